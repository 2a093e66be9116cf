//! Reads of a delivery only what the generator needs, without allocation: one core has to look at
//! hundreds of thousands of them a second. The complete codec is `tim-protocol`; what this module
//! says must never differ from it (its tests compare both).

/// Nesting of structs, lists and maps beyond which a packet is not understood.
const DEEPEST: u8 = 8;

const STOP: u8 = 0;
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const I8: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
const STRUCT: u8 = 12;

/// What matters of a `TimMessage` (wire-protocol 7.6). Members that are absent are zero or empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivery<'a> {
    /// Kind of content: 1 chat, 4 business notice.
    pub od_type: i8,
    /// Number in its conversation.
    pub mid: i64,
    /// Number of a business notice.
    pub bn_type: i32,
    /// Node of the room, empty in a conversation of two.
    pub room: &'a [u8],
    /// The text.
    pub text: &'a [u8],
    /// Whether it comes from the offline queue.
    pub is_offline: bool,
}

/// What matters of a `TimStream` (wire-protocol 7.12).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// Node of the virtual room.
    pub room: &'a [u8],
    /// The chunk.
    pub body: &'a [u8],
}

impl<'a> Delivery<'a> {
    /// Reads the compact `TimMessage` in `payload`.
    pub fn read(payload: &'a [u8]) -> Option<Self> {
        Self::read_from(&mut Cursor { bytes: payload })
    }

    fn read_from(cursor: &mut Cursor<'a>) -> Option<Self> {
        let mut delivery = Self::default();
        let mut field = 0;
        while let Some(kind) = cursor.field(&mut field)? {
            match (field, kind) {
                (2, I8) => delivery.od_type = i8::from_ne_bytes([cursor.byte()?]),
                (4, I64) => delivery.mid = cursor.integer()?,
                (5, I32) => delivery.bn_type = i32::try_from(cursor.integer()?).ok()?,
                (8, STRUCT) => delivery.room = cursor.tid_node()?,
                (10, BINARY) => delivery.text = cursor.binary()?,
                (11, TRUE) => delivery.is_offline = true,
                _ => cursor.skip(kind, 0)?,
            }
        }
        Some(delivery)
    }

    /// Calls `each` with every message of the compact `TimMessageList` in `payload`; `None` when
    /// it is not understood.
    pub fn each_of_list(payload: &'a [u8], mut each: impl FnMut(Self)) -> Option<()> {
        let mut cursor = Cursor { bytes: payload };
        let mut field = 0;
        while let Some(kind) = cursor.field(&mut field)? {
            if (field, kind) != (2, LIST) {
                cursor.skip(kind, 0)?;
                continue;
            }
            let (count, element) = cursor.list()?;
            if count > 0 && element != STRUCT {
                return None;
            }
            for _ in 0..count {
                each(Self::read_from(&mut cursor)?);
            }
        }
        Some(())
    }
}

impl<'a> Chunk<'a> {
    /// Reads the compact `TimStream` in `payload`.
    pub fn structured(payload: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor { bytes: payload };
        let mut chunk = Self::default();
        let mut field = 0;
        while let Some(kind) = cursor.field(&mut field)? {
            match (field, kind) {
                (2, BINARY) => chunk.room = cursor.binary()?,
                (4, BINARY) => chunk.body = cursor.binary()?,
                _ => cursor.skip(kind, 0)?,
            }
        }
        Some(chunk)
    }

    /// Reads what follows the type byte of a binary chunk: room, separator 0x83, body.
    pub fn raw(payload: &'a [u8]) -> Option<Self> {
        let end = payload.iter().take(64).position(|&byte| byte == 0x83)?;
        Some(Self {
            room: &payload[..end],
            body: &payload[end + 1..],
        })
    }
}

/// The free text of the compact `TimPresence` in `payload` (wire-protocol 7.5); empty when absent.
pub fn presence_status(payload: &[u8]) -> Option<&[u8]> {
    let mut cursor = Cursor { bytes: payload };
    let mut status = &[][..];
    let mut field = 0;
    while let Some(kind) = cursor.field(&mut field)? {
        match (field, kind) {
            (8, BINARY) => status = cursor.binary()?,
            _ => cursor.skip(kind, 0)?,
        }
    }
    Some(status)
}

struct Cursor<'a> {
    bytes: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(first)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn integer(&mut self) -> Option<i64> {
        let zigzag = self.varint()?;
        Some((zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed())
    }

    fn binary(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.varint()?).ok()?;
        let (value, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(value)
    }

    /// Type of the next field, whose number goes to `number`; the inner `None` at the end.
    fn field(&mut self, number: &mut i64) -> Option<Option<u8>> {
        let header = self.byte()?;
        let kind = header & 0x0f;
        if kind == STOP {
            return Some(None);
        }
        *number = match header >> 4 {
            0 => self.integer()?,
            delta => *number + i64::from(delta),
        };
        Some(Some(kind))
    }

    fn list(&mut self) -> Option<(u64, u8)> {
        let header = self.byte()?;
        let count = match header >> 4 {
            15 => self.varint()?,
            short => u64::from(short),
        };
        Some((count, header & 0x0f))
    }

    /// The node of a `Tid`.
    fn tid_node(&mut self) -> Option<&'a [u8]> {
        let mut node = &[][..];
        let mut number = 0;
        while let Some(kind) = self.field(&mut number)? {
            match (number, kind) {
                (1, BINARY) => node = self.binary()?,
                _ => self.skip(kind, 1)?,
            }
        }
        Some(node)
    }

    fn skip(&mut self, kind: u8, depth: u8) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        match kind {
            TRUE | FALSE => {}
            I8 => drop(self.byte()?),
            I16 | I32 | I64 => drop(self.varint()?),
            DOUBLE => self.bytes = self.bytes.get(8..)?,
            BINARY => drop(self.binary()?),
            LIST | SET => {
                let (count, element) = self.list()?;
                for _ in 0..count {
                    self.skip_element(element, depth)?;
                }
            }
            MAP => {
                let count = self.varint()?;
                let kinds = if count > 0 { self.byte()? } else { 0 };
                for _ in 0..count {
                    self.skip_element(kinds >> 4, depth)?;
                    self.skip_element(kinds & 0x0f, depth)?;
                }
            }
            STRUCT => {
                let mut number = 0;
                while let Some(kind) = self.field(&mut number)? {
                    self.skip(kind, depth + 1)?;
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// Elements of lists and maps: a boolean takes a byte there.
    fn skip_element(&mut self, kind: u8, depth: u8) -> Option<()> {
        match kind {
            TRUE | FALSE => self.byte().map(drop),
            other => self.skip(other, depth + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tim_protocol::wire::{Tid, TimMessage, TimMessageList, TimStream};
    use tim_protocol::{Encoding, WireStruct as _};

    use super::*;

    fn full() -> TimMessage {
        let tid = |node: &str| Tid {
            node: node.to_owned(),
            domain: Some("d".to_owned()),
            resource: Some("bench".to_owned()),
            termtyp: Some(3),
            extend: Some(BTreeMap::from([("k".to_owned(), "v".to_owned())])),
        };
        TimMessage {
            ms_type: 3,
            od_type: 1,
            id: Some(-5),
            mid: Some(1 << 40),
            bn_type: Some(10),
            from_tid: Some(tid("sender")),
            to_tid: Some(tid("receiver")),
            room_tid: Some(tid("room")),
            data_binary: Some(vec![0x83; 40].into()),
            data_string: Some("the text".to_owned()),
            is_offline: Some(true),
            timestamp: Some(i64::MAX),
            udtype: Some(-2),
            udshow: Some(7),
            extend: Some(BTreeMap::from([("a".to_owned(), "b".to_owned())])),
            extra: Some(BTreeMap::from([("x".to_owned(), vec![1, 2].into())])),
            to_list: Some(vec!["one".to_owned(); 20]),
        }
    }

    #[test]
    fn reads_what_the_codec_wrote() {
        let bytes = full().encode(Encoding::Compact);
        let delivery = Delivery::read(&bytes).unwrap();
        assert_eq!(
            delivery,
            Delivery {
                od_type: 1,
                mid: 1 << 40,
                bn_type: 10,
                room: b"room",
                text: b"the text",
                is_offline: true,
            }
        );
    }

    #[test]
    fn absent_members_are_zero_and_empty() {
        let bytes = TimMessage::default().encode(Encoding::Compact);
        assert_eq!(Delivery::read(&bytes), Some(Delivery::default()));
    }

    #[test]
    fn every_message_of_a_list_is_seen() {
        let list = TimMessageList {
            id: Some(9),
            message_list: Some(vec![full(); 17]),
        };
        let bytes = list.encode(Encoding::Compact);
        let mut seen = 0;
        Delivery::each_of_list(&bytes, |delivery| {
            assert_eq!(delivery.room, b"room");
            seen += 1;
        })
        .unwrap();
        assert_eq!(seen, 17);
    }

    #[test]
    fn chunks_of_both_forms_are_read() {
        let stream = TimStream {
            id: 7,
            vnode: "vroom".to_owned(),
            dtype: Some(7),
            body: Some(vec![0x83, 1, 2].into()),
            from_node: "publisher".to_owned(),
        };
        let expected = Chunk {
            room: b"vroom",
            body: &[0x83, 1, 2],
        };
        assert_eq!(
            Chunk::structured(&stream.encode(Encoding::Compact)),
            Some(expected)
        );
        assert_eq!(Chunk::raw(b"vroom\x83\x83\x01\x02"), Some(expected));
        assert_eq!(Chunk::raw(b"vroom"), None);
    }

    #[test]
    fn status_of_a_presence_is_read() {
        let presence = tim_protocol::wire::TimPresence {
            offline: Some(false),
            show: Some(3),
            status: Some("here".to_owned()),
            from_tid: full().from_tid,
            ..Default::default()
        };
        let bytes = presence.encode(Encoding::Compact);
        assert_eq!(presence_status(&bytes), Some(&b"here"[..]));
        assert_eq!(presence_status(&[0]), Some(&b""[..]));
    }

    #[test]
    fn truncated_and_absurd_packets_are_not_understood() {
        let bytes = full().encode(Encoding::Compact);
        for end in 0..bytes.len() {
            assert_eq!(Delivery::read(&bytes[..end]), None);
        }
        // A list of 2^60 booleans, structs nested without end.
        assert_eq!(
            Delivery::read(&[0x19, 0xf1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10]),
            None
        );
        assert_eq!(Delivery::read(&[0x1c; 4096]), None);
    }
}
