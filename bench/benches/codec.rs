//! The codec of `tim-protocol` beside the `thrift` and `prost` crates, on the 124-byte sample message. Budgets:
//! compact encode at most 100 ns, decode at most 350 ns. Run with `cargo bench -p tim-bench --bench codec`.
#![allow(missing_docs, reason = "criterion generates public items")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark stops when its input is wrong"
)]

use std::collections::BTreeMap;
use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use prost::Message as _;
use thrift::protocol::{
    TCompactInputProtocol, TCompactOutputProtocol, TFieldIdentifier, TInputProtocol, TMapIdentifier,
    TOutputProtocol, TStructIdentifier, TType,
};
use tim_protocol::wire::{Tid, TimMessage};
use tim_protocol::{Encoding, WireStruct};

/// Bytes of the sample in the compact encoding.
const SAMPLE_LENGTH: usize = 124;

fn sample() -> TimMessage {
    let text = || "A good programmer".to_owned();
    TimMessage {
        ms_type: 1,
        od_type: 1,
        id: Some(1 << 60),
        mid: Some(1 << 61),
        bn_type: Some(1 << 30),
        from_tid: Some(Tid {
            node: "tom".into(),
            ..Tid::default()
        }),
        to_tid: Some(Tid {
            node: "jerry".into(),
            ..Tid::default()
        }),
        data_binary: Some(Bytes::from(text())),
        is_offline: Some(true),
        timestamp: Some(1 << 60),
        extend: Some(BTreeMap::from([
            ("ex1".to_owned(), text()),
            ("ex2".to_owned(), text()),
        ])),
        ..TimMessage::default()
    }
}

/// The same structs driven through the `thrift` crate, in the way its generator writes them. Only the fields of
/// the sample are written and read.
mod with_thrift {
    use super::*;

    fn field<P: TOutputProtocol>(
        out: &mut P,
        kind: TType,
        id: i16,
        write: impl FnOnce(&mut P) -> thrift::Result<()>,
    ) -> thrift::Result<()> {
        out.write_field_begin(&TFieldIdentifier::new("", kind, id))?;
        write(out)?;
        out.write_field_end()
    }

    fn write_tid<P: TOutputProtocol>(tid: &Tid, out: &mut P) -> thrift::Result<()> {
        out.write_struct_begin(&TStructIdentifier::new("Tid"))?;
        field(out, TType::String, 1, |out| out.write_string(&tid.node))?;
        out.write_field_stop()?;
        out.write_struct_end()
    }

    fn write<P: TOutputProtocol>(message: &TimMessage, out: &mut P) -> thrift::Result<()> {
        out.write_struct_begin(&TStructIdentifier::new("TimMessage"))?;
        field(out, TType::I08, 1, |out| out.write_i8(message.ms_type))?;
        field(out, TType::I08, 2, |out| out.write_i8(message.od_type))?;
        if let Some(id) = message.id {
            field(out, TType::I64, 3, |out| out.write_i64(id))?;
        }
        if let Some(mid) = message.mid {
            field(out, TType::I64, 4, |out| out.write_i64(mid))?;
        }
        if let Some(bn_type) = message.bn_type {
            field(out, TType::I32, 5, |out| out.write_i32(bn_type))?;
        }
        if let Some(tid) = &message.from_tid {
            field(out, TType::Struct, 6, |out| write_tid(tid, out))?;
        }
        if let Some(tid) = &message.to_tid {
            field(out, TType::Struct, 7, |out| write_tid(tid, out))?;
        }
        if let Some(data) = &message.data_binary {
            field(out, TType::String, 9, |out| out.write_bytes(data))?;
        }
        if let Some(is_offline) = message.is_offline {
            field(out, TType::Bool, 11, |out| out.write_bool(is_offline))?;
        }
        if let Some(timestamp) = message.timestamp {
            field(out, TType::I64, 12, |out| out.write_i64(timestamp))?;
        }
        if let Some(extend) = &message.extend {
            field(out, TType::Map, 15, |out| {
                let count = i32::try_from(extend.len()).expect("a small map");
                out.write_map_begin(&TMapIdentifier::new(TType::String, TType::String, count))?;
                for (key, value) in extend {
                    out.write_string(key)?;
                    out.write_string(value)?;
                }
                out.write_map_end()
            })?;
        }
        out.write_field_stop()?;
        out.write_struct_end()
    }

    fn read_tid<P: TInputProtocol>(input: &mut P) -> thrift::Result<Tid> {
        let mut tid = Tid::default();
        input.read_struct_begin()?;
        loop {
            let header = input.read_field_begin()?;
            match (header.field_type, header.id) {
                (TType::Stop, _) => break,
                (_, Some(1)) => tid.node = input.read_string()?,
                (other, _) => input.skip(other)?,
            }
            input.read_field_end()?;
        }
        input.read_struct_end()?;
        Ok(tid)
    }

    fn read<P: TInputProtocol>(input: &mut P) -> thrift::Result<TimMessage> {
        let mut message = TimMessage::default();
        input.read_struct_begin()?;
        loop {
            let header = input.read_field_begin()?;
            match (header.field_type, header.id) {
                (TType::Stop, _) => break,
                (_, Some(1)) => message.ms_type = input.read_i8()?,
                (_, Some(2)) => message.od_type = input.read_i8()?,
                (_, Some(3)) => message.id = Some(input.read_i64()?),
                (_, Some(4)) => message.mid = Some(input.read_i64()?),
                (_, Some(5)) => message.bn_type = Some(input.read_i32()?),
                (_, Some(6)) => message.from_tid = Some(read_tid(input)?),
                (_, Some(7)) => message.to_tid = Some(read_tid(input)?),
                (_, Some(9)) => message.data_binary = Some(input.read_bytes()?.into()),
                (_, Some(11)) => message.is_offline = Some(input.read_bool()?),
                (_, Some(12)) => message.timestamp = Some(input.read_i64()?),
                (_, Some(15)) => {
                    let header = input.read_map_begin()?;
                    let mut map = BTreeMap::new();
                    for _ in 0..header.size {
                        map.insert(input.read_string()?, input.read_string()?);
                    }
                    input.read_map_end()?;
                    message.extend = Some(map);
                }
                (other, _) => input.skip(other)?,
            }
            input.read_field_end()?;
        }
        input.read_struct_end()?;
        Ok(message)
    }

    pub(super) fn encode_into(message: &TimMessage, out: &mut Vec<u8>) {
        write(message, &mut TCompactOutputProtocol::new(out)).expect("a vector takes everything");
    }

    pub(super) fn decode(input: &[u8]) -> TimMessage {
        read(&mut TCompactInputProtocol::new(input)).expect("the sample is well formed")
    }
}

/// The same content as a Protocol Buffers message.
mod with_prost {
    use super::*;

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Tid {
        #[prost(string, tag = "1")]
        node: String,
        #[prost(string, optional, tag = "2")]
        domain: Option<String>,
        #[prost(string, optional, tag = "3")]
        resource: Option<String>,
        #[prost(int32, optional, tag = "4")]
        termtyp: Option<i32>,
        #[prost(btree_map = "string, string", tag = "5")]
        extend: BTreeMap<String, String>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Message {
        #[prost(int32, tag = "1")]
        ms_type: i32,
        #[prost(int32, tag = "2")]
        od_type: i32,
        #[prost(int64, optional, tag = "3")]
        id: Option<i64>,
        #[prost(int64, optional, tag = "4")]
        mid: Option<i64>,
        #[prost(int32, optional, tag = "5")]
        bn_type: Option<i32>,
        #[prost(message, optional, tag = "6")]
        from_tid: Option<Tid>,
        #[prost(message, optional, tag = "7")]
        to_tid: Option<Tid>,
        #[prost(message, optional, tag = "8")]
        room_tid: Option<Tid>,
        #[prost(bytes = "bytes", optional, tag = "9")]
        data_binary: Option<Bytes>,
        #[prost(string, optional, tag = "10")]
        data_string: Option<String>,
        #[prost(bool, optional, tag = "11")]
        is_offline: Option<bool>,
        #[prost(int64, optional, tag = "12")]
        timestamp: Option<i64>,
        #[prost(int32, optional, tag = "13")]
        udtype: Option<i32>,
        #[prost(int32, optional, tag = "14")]
        udshow: Option<i32>,
        #[prost(btree_map = "string, string", tag = "15")]
        extend: BTreeMap<String, String>,
        #[prost(btree_map = "string, bytes", tag = "16")]
        extra: BTreeMap<String, Vec<u8>>,
        #[prost(string, repeated, tag = "17")]
        to_list: Vec<String>,
    }

    impl From<&TimMessage> for Message {
        fn from(message: &TimMessage) -> Self {
            let tid = |tid: &super::Tid| Tid {
                node: tid.node.clone(),
                ..Tid::default()
            };
            Self {
                ms_type: message.ms_type.into(),
                od_type: message.od_type.into(),
                id: message.id,
                mid: message.mid,
                bn_type: message.bn_type,
                from_tid: message.from_tid.as_ref().map(tid),
                to_tid: message.to_tid.as_ref().map(tid),
                data_binary: message.data_binary.clone(),
                is_offline: message.is_offline,
                timestamp: message.timestamp,
                extend: message.extend.clone().unwrap_or_default(),
                ..Self::default()
            }
        }
    }
}

fn encode(c: &mut Criterion) {
    let message = sample();
    let protobuf = with_prost::Message::from(&message);
    let compact = message.encode(Encoding::Compact);
    assert_eq!(compact.len(), SAMPLE_LENGTH, "the sample has changed");
    let mut other = Vec::new();
    with_thrift::encode_into(&message, &mut other);
    assert_eq!(other, compact, "the thrift crate writes the same bytes");

    let mut group = c.benchmark_group("encode");
    group.throughput(Throughput::Bytes(SAMPLE_LENGTH as u64));
    let mut out = Vec::with_capacity(1024);
    group.bench_function("compact, reused buffer", |b| {
        b.iter(|| {
            out.clear();
            black_box(&message).encode_into(Encoding::Compact, &mut out);
            black_box(&out);
        });
    });
    group.bench_function("compact, new buffer", |b| {
        b.iter(|| black_box(&message).encode(Encoding::Compact));
    });
    group.bench_function("json, reused buffer", |b| {
        b.iter(|| {
            out.clear();
            black_box(&message).encode_into(Encoding::Json, &mut out);
            black_box(&out);
        });
    });
    group.bench_function("thrift crate, reused buffer", |b| {
        b.iter(|| {
            out.clear();
            with_thrift::encode_into(black_box(&message), &mut out);
            black_box(&out);
        });
    });
    group.bench_function("prost, reused buffer", |b| {
        b.iter(|| {
            out.clear();
            black_box(&protobuf)
                .encode(&mut out)
                .expect("a vector takes everything");
            black_box(&out);
        });
    });
    group.finish();
}

fn decode(c: &mut Criterion) {
    let message = sample();
    let compact = message.encode(Encoding::Compact);
    let json = message.encode(Encoding::Json);
    let protobuf = with_prost::Message::from(&message).encode_to_vec();
    assert_eq!(with_thrift::decode(&compact), message);

    let mut group = c.benchmark_group("decode");
    group.throughput(Throughput::Bytes(SAMPLE_LENGTH as u64));
    group.bench_function("compact", |b| {
        b.iter(|| TimMessage::decode(black_box(&compact), Encoding::Compact).expect("well formed"));
    });
    group.bench_function("json", |b| {
        b.iter(|| TimMessage::decode(black_box(&json), Encoding::Json).expect("well formed"));
    });
    group.bench_function("thrift crate", |b| {
        b.iter(|| with_thrift::decode(black_box(&compact)))
    });
    group.bench_function("prost", |b| {
        b.iter(|| with_prost::Message::decode(black_box(protobuf.as_slice())).expect("well formed"));
    });
    group.finish();
}

criterion_group!(codec, encode, decode);
criterion_main!(codec);
