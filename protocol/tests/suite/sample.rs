//! The message by which encodings of this protocol are compared, and its size in them.

use tim_protocol::wire::{Tid, TimMessage};
use tim_protocol::{Encoding, WireStruct};

/// System message from tom to jerry with two map entries; all numbers need most of their width.
pub(crate) fn sample() -> TimMessage {
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
        data_binary: Some(text().into()),
        is_offline: Some(true),
        timestamp: Some(1 << 60),
        extend: Some([("ex1".to_owned(), text()), ("ex2".to_owned(), text())].into()),
        ..TimMessage::default()
    }
}

#[test]
fn the_sample_has_124_bytes_in_compact_and_77_without_its_map() {
    let mut message = sample();
    assert_eq!(message.encode(Encoding::Compact).len(), 124);
    assert_eq!(message.encode(Encoding::Json).len(), 296);
    message.extend = None;
    assert_eq!(message.encode(Encoding::Compact).len(), 77);
}
