//! A presence on its way to many addressees. Each gets a copy that names it (`toTid`), so everything
//! before and behind that name is encoded once per encoding and only the name is put in between.

use std::sync::OnceLock;

use bytes::{BufMut, Bytes, BytesMut};
use tim_protocol::packet::PacketType;
use tim_protocol::wire::{Tid, TimPresence};
use tim_protocol::{Encoding, WireStruct};

use crate::store::AccountId;

/// A presence without its addressee.
#[derive(Debug)]
pub struct Announcement {
    presence: TimPresence,
    weight: usize,
    compact: OnceLock<Parts>,
    json: OnceLock<Parts>,
}

/// What stands before and behind the name of the addressee.
#[derive(Debug)]
struct Parts {
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Announcement {
    /// A presence as it is to be seen by others. Addressees in it are removed.
    #[must_use]
    pub fn new(mut presence: TimPresence) -> Self {
        (presence.to_tid, presence.to_list) = (None, None);
        Self {
            weight: weight(&presence),
            presence,
            compact: OnceLock::new(),
            json: OnceLock::new(),
        }
    }

    /// About how many bytes one copy takes.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.weight
    }

    /// Whether it says that its sender has gone.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        self.presence.offline == Some(true)
    }

    /// The whole packet (type 91) for one addressee.
    #[must_use]
    pub fn packet(&self, to: &AccountId, encoding: Encoding) -> Bytes {
        let cell = match encoding {
            Encoding::Compact => &self.compact,
            Encoding::Json => &self.json,
        };
        let Parts { head, tail } = cell.get_or_init(|| self.parts(encoding));
        let name = to.as_str().as_bytes();
        let mut packet = BytesMut::with_capacity(head.len() + 1 + name.len() + tail.len());
        packet.put_slice(head);
        if encoding == Encoding::Compact {
            // A node has at most 64 bytes, so its length is one byte of a variable-length integer.
            packet.put_u8(name.len().to_le_bytes()[0]);
        }
        packet.put_slice(name);
        packet.put_slice(tail);
        packet.freeze()
    }

    /// Encodes it for an empty name and cuts it where the name belongs. Fields are written in the
    /// order of their numbers in both encodings, so what stands before `toTid` does not depend on
    /// what stands behind it.
    fn parts(&self, encoding: Encoding) -> Parts {
        // What follows an empty name when nothing stands behind `toTid`: length and two STOP bytes,
        // or the closing quote and two braces.
        const BEHIND_NAME: usize = 3;
        let nobody = Some(Tid::default());
        let up_to_name = TimPresence {
            id: self.presence.id,
            offline: self.presence.offline,
            sub_status: self.presence.sub_status,
            from_tid: self.presence.from_tid.clone(),
            to_tid: nobody.clone(),
            ..TimPresence::default()
        };
        let mut head = vec![PacketType::Presence.as_u8()];
        up_to_name.encode_into(encoding, &mut head);
        head.truncate(head.len() - BEHIND_NAME);
        let mut whole = vec![PacketType::Presence.as_u8()];
        let presence = TimPresence {
            to_tid: nobody,
            ..self.presence.clone()
        };
        presence.encode_into(encoding, &mut whole);
        let length_byte = usize::from(encoding == Encoding::Compact);
        let tail = whole.split_off(head.len() + length_byte);
        Parts { head, tail }
    }
}

/// About how many bytes a presence takes: what its sender can make large.
#[must_use]
pub fn weight(presence: &TimPresence) -> usize {
    let status = presence.status.as_ref().map_or(0, String::len);
    let extend = presence
        .extend
        .iter()
        .flatten()
        .map(|(key, value)| key.len() + value.len());
    let extra = presence
        .extra
        .iter()
        .flatten()
        .map(|(key, value)| key.len() + value.len());
    128 + status + extend.sum::<usize>() + extra.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use tim_protocol::packet;

    use super::*;
    use crate::engine::identity::Identity;

    fn some<T>(at: u32, bit: u32, value: T) -> Option<T> {
        (at >> bit & 1 == 1).then_some(value)
    }

    /// Every combination of fields, with values that look like structure.
    fn presence(at: u32) -> TimPresence {
        let tid = Tid {
            node: "sender".into(),
            resource: some(at, 7, r#""},"toTid":{"node":""#.into()),
            extend: some(at, 7, [("\0\u{5}".into(), "\u{18}\0\0".into())].into()),
            ..Tid::default()
        };
        TimPresence {
            id: some(at, 0, i64::MIN),
            offline: some(at, 1, true),
            sub_status: some(at, 2, -1),
            from_tid: some(at, 3, tid),
            to_tid: None,
            to_list: None,
            show: some(at, 4, 300),
            status: some(at, 5, "\"}}\0\0\0".into()),
            extend: some(at, 6, [("a".into(), "b".into())].into()),
            extra: some(at, 8, [("c".into(), Bytes::from_static(&[0, 1]))].into()),
        }
    }

    #[test]
    fn a_copy_is_what_encoding_it_as_a_whole_gives() {
        let identity = Identity::new([3; 32]);
        for at in 0..1 << 9 {
            let announcement = Announcement::new(presence(at));
            for name in ["a", "b"] {
                let to = identity.account("", name);
                let node = to.as_str().to_owned();
                let whole = TimPresence {
                    to_tid: Some(Tid {
                        node,
                        ..Tid::default()
                    }),
                    ..presence(at)
                };
                for encoding in [Encoding::Compact, Encoding::Json] {
                    let expected = packet::server_packet(PacketType::Presence, encoding, &whole);
                    assert_eq!(announcement.packet(&to, encoding), expected, "{at} {encoding:?}");
                }
            }
        }
    }
}
