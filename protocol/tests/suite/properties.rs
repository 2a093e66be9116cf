//! What must hold for arbitrary structs and arbitrary bytes.

use proptest::prelude::*;
use tim_protocol::bigdata::{BigKind, BigPacket, Reassembler};
use tim_protocol::wire::*;
use tim_protocol::{Encoding, Node, WireStruct, fuzzing, node};

use crate::generate;
use crate::vectors;

fn round_trip<T: WireStruct>(value: &T, rest: &[u8]) -> Result<(), TestCaseError> {
    let mut compact = value.encode(Encoding::Compact);
    let length = compact.len();
    prop_assert_eq!(&T::decode(&compact, Encoding::Compact).unwrap(), value);
    for cut in 0..length {
        prop_assert!(T::decode(&compact[..cut], Encoding::Compact).is_err());
    }
    compact.extend_from_slice(rest);
    prop_assert_eq!(&T::decode(&compact, Encoding::Compact).unwrap(), value);

    // JSON leaves empty optional containers out; beyond that nothing is lost.
    let json = value.encode(Encoding::Json);
    prop_assert!(serde_json::from_slice::<serde_json::Value>(&json).is_ok());
    let back = T::decode(&json, Encoding::Json).unwrap();
    prop_assert_eq!(back.encode(Encoding::Json), json);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn acks_survive_both_encodings(value in generate::ack(), rest: Vec<u8>) {
        round_trip(&value, &rest)?;
        prop_assert_eq!(TimAck::decode(&value.encode(Encoding::Json), Encoding::Json).unwrap(), value);
    }

    #[test]
    fn requests_survive_both_encodings(value in generate::request(), rest: Vec<u8>) {
        round_trip(&value, &rest)?;
        prop_assert_eq!(TimReq::decode(&value.encode(Encoding::Json), Encoding::Json).unwrap(), value);
    }

    #[test]
    fn logins_survive_both_encodings(value in generate::auth(), rest: Vec<u8>) {
        round_trip(&value, &rest)?;
    }

    #[test]
    fn presences_survive_both_encodings(value in generate::presence(), rest: Vec<u8>) {
        round_trip(&value, &rest)?;
    }

    #[test]
    fn messages_survive_both_encodings(value in generate::message(), rest: Vec<u8>) {
        round_trip(&value, &rest)?;
        let back = TimMessage::decode(&value.encode(Encoding::Json), Encoding::Json).unwrap();
        prop_assert_eq!(back, without_empty(value));
    }

    #[test]
    fn streams_survive_both_encodings(value in generate::stream(), rest: Vec<u8>) {
        round_trip(&value, &rest)?;
        prop_assert_eq!(TimStream::decode(&value.encode(Encoding::Json), Encoding::Json).unwrap(), value);
    }

    #[test]
    fn profiles_survive_both_encodings(value in generate::nodes(), rest: Vec<u8>) {
        let compact = value.encode(Encoding::Compact);
        prop_assert_eq!(&TimNodes::decode(&[compact, rest].concat(), Encoding::Compact).unwrap(), &value);
        let json = value.encode(Encoding::Json);
        prop_assert_eq!(TimNodes::decode(&json, Encoding::Json).unwrap().encode(Encoding::Json), json);
    }

    #[test]
    fn message_lists_survive_both_encodings(value in generate::message_list(), rest: Vec<u8>) {
        let compact = value.encode(Encoding::Compact);
        prop_assert_eq!(&TimMessageList::decode(&[compact, rest].concat(), Encoding::Compact).unwrap(), &value);
        let json = value.encode(Encoding::Json);
        prop_assert_eq!(TimMessageList::decode(&json, Encoding::Json).unwrap().encode(Encoding::Json), json);
    }

    #[test]
    fn arbitrary_bytes_never_panic(input in proptest::collection::vec(any::<u8>(), 0..300)) {
        fuzzing::packet(&input);
        fuzzing::compact(&input);
        fuzzing::json(&input);
        fuzzing::bigdata(&input);
    }

    #[test]
    fn damaged_packets_never_panic(index in 0_usize..148, edits in proptest::collection::vec(any::<(u16, u8)>(), 1..6)) {
        let mut packet = vectors::load().swap_remove(index).bytes;
        for (at, byte) in edits {
            let at = usize::from(at) % packet.len();
            packet[at] = byte;
        }
        fuzzing::packet(&packet);
        fuzzing::compact(&packet[1..]);
        fuzzing::json(&packet[1..]);
        let _big = Reassembler::new(1 << 16).push(&packet);
    }

    #[test]
    fn big_data_survives_any_splitting(
        data: Vec<u8>,
        kind in prop_oneof![Just(BigKind::Text), Just(BigKind::Binary), Just(BigKind::Stream)],
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..5),
    ) {
        let packet = BigPacket { kind, node: Node::new("QdH6CCms5EU").unwrap(), data: data.into() };
        prop_assert_eq!(&BigPacket::parse_delivery(&packet.to_client()).unwrap(), &packet);
        let bytes = packet.to_server().unwrap();
        // The first piece has the header and one byte of the node at least.
        let mut ends: Vec<_> = cuts.iter().map(|cut| 6 + cut.index(bytes.len() - 6)).collect();
        ends.push(bytes.len());
        ends.sort_unstable();
        ends.dedup();
        let mut reassembler = Reassembler::new(bytes.len());
        let mut start = 0;
        for &end in &ends {
            let step = reassembler.push(&bytes[start..end]).unwrap();
            prop_assert!(reassembler.buffered() <= bytes.len());
            prop_assert_eq!(step.is_some(), end == bytes.len());
            if let Some(complete) = step {
                prop_assert_eq!(&complete, &packet);
            }
            start = end;
        }
        prop_assert!(!reassembler.is_collecting());
    }

    #[test]
    fn wide_nodes_are_well_formed_and_typing_errors_are_found(id: [u8; 15], at: proptest::sample::Index, other in 0_u8..58) {
        const ALPHABET: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
        let node = node::wide_node_from_random(id);
        prop_assert!(node::is_well_formed_wide(node.as_str()));
        prop_assert!((16..=22).contains(&node.as_str().len()));
        let bytes = bs58::decode(node.as_str()).into_vec().unwrap();
        prop_assert_eq!(&bytes[..15], &id[..]);
        // A changed character changes the bytes: no two texts stand for the same node.
        let mut wrong = node.as_str().as_bytes().to_vec();
        let at = at.index(wrong.len());
        wrong[at] = ALPHABET[usize::from(other)];
        let wrong = String::from_utf8(wrong).unwrap();
        if wrong != node.as_str() && let Ok(decoded) = bs58::decode(&wrong).into_vec() {
            prop_assert_ne!(decoded, bytes);
        }
    }
}

fn without_empty(mut message: TimMessage) -> TimMessage {
    fn tid(tid: &mut Option<Tid>) {
        if let Some(tid) = tid {
            tid.extend.take_if(|map| map.is_empty());
        }
    }
    tid(&mut message.from_tid);
    tid(&mut message.to_tid);
    tid(&mut message.room_tid);
    message.extend.take_if(|map| map.is_empty());
    message.extra.take_if(|map| map.is_empty());
    message.to_list.take_if(|list| list.is_empty());
    message
}
