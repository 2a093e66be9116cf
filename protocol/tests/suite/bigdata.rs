//! Big data: splitting, limits, and the forms of clients that deviate (`wire-protocol 7.9`, `11.1`).

use bytes::Bytes;
use tim_protocol::bigdata::{BigDataError, BigKind, BigPacket, MAX_LIMIT, Reassembler};
use tim_protocol::{ErrorCode, Node, node};

fn packet(kind: BigKind, data: &[u8]) -> BigPacket {
    BigPacket {
        kind,
        node: Node::new("QdH6CCms5EU").unwrap(),
        data: Bytes::copy_from_slice(data),
    }
}

fn one(message: &[u8]) -> Result<Option<BigPacket>, BigDataError> {
    Reassembler::new(1 << 20).push(message)
}

#[test]
fn pieces_are_put_together_whatever_their_first_byte() {
    let whole = packet(BigKind::Binary, &[13; 1000]);
    let bytes = whole.to_server().unwrap();
    let mut reassembler = Reassembler::new(2000);
    assert_eq!(reassembler.push(&bytes[..300]), Ok(None));
    assert!(reassembler.is_collecting());
    assert_eq!(reassembler.push(&[]), Ok(None));
    assert_eq!(reassembler.push(&bytes[300..301]), Ok(None));
    assert_eq!(reassembler.push(&bytes[301..]), Ok(Some(whole)));
    assert!(!reassembler.is_collecting());
    assert_eq!(reassembler.buffered(), 0);
}

#[test]
fn more_than_announced_drops_everything() {
    let bytes = packet(BigKind::Text, b"text").to_server().unwrap();
    let mut reassembler = Reassembler::new(2000);
    assert_eq!(reassembler.push(&bytes[..10]), Ok(None));
    let error = reassembler.push(&bytes).unwrap_err();
    assert_eq!(
        (error, error.error_code()),
        (BigDataError::Exceeded, Some(ErrorCode::BigData))
    );
    assert!(!reassembler.is_collecting());
    assert!(
        reassembler.push(&bytes).unwrap().is_some(),
        "the next packet is unharmed"
    );
}

#[test]
fn a_length_smaller_than_the_message_is_refused() {
    for length in [0_u8, 1, 5, 6, 20] {
        let error = one(&[&[95, 0, 0, 0, length], &b"QdH6CCms5EU|big|text"[..]].concat()).unwrap_err();
        assert_eq!(
            (error, error.error_code()),
            (BigDataError::Length, Some(ErrorCode::BigData))
        );
    }
}

#[test]
fn packets_shorter_than_six_bytes_are_ignored() {
    for length in 0..6 {
        let error = one(&[95, 0, 0, 0, 5][..length.min(5)]).unwrap_err();
        assert_eq!((error, error.error_code()), (BigDataError::TooShort, None));
    }
}

#[test]
fn other_types_are_not_big_data() {
    assert_eq!(one(b"\x5aabcdefgh"), Err(BigDataError::Type));
    assert_eq!(
        BigPacket::parse_delivery(b"\x5aabcdefgh"),
        Err(BigDataError::Type)
    );
    assert_eq!(BigPacket::parse_delivery(b""), Err(BigDataError::TooShort));
}

#[test]
fn memory_follows_what_arrived_not_what_was_announced() {
    let mut reassembler = Reassembler::new(32 << 20);
    let mut start = vec![96];
    start.extend_from_slice(&(32_u32 << 20).to_be_bytes());
    start.extend_from_slice(b"QdH6CCms5EU\x83");
    assert_eq!(reassembler.push(&start), Ok(None));
    assert!(reassembler.buffered() <= 2 * start.len());
    let mut arrived = start.len();
    for _ in 0..1000 {
        assert_eq!(reassembler.push(&[0; 100]), Ok(None));
        arrived += 100;
        assert!(reassembler.buffered() <= 2 * arrived);
    }
    reassembler.clear();
    assert_eq!(reassembler.buffered(), 0);
}

#[test]
fn more_than_the_limit_is_refused_at_once() {
    let bytes = packet(BigKind::Binary, &[1; 1000]).to_server().unwrap();
    assert!(Reassembler::new(bytes.len()).push(&bytes).unwrap().is_some());
    let mut tight = Reassembler::new(bytes.len() - 1);
    assert_eq!(tight.push(&bytes), Err(BigDataError::TooLarge));
    assert_eq!(tight.push(&bytes[..100]), Err(BigDataError::TooLarge));
    assert!(!tight.is_collecting());
    let negative = [&[96, 0xFF, 0xFF, 0xFF, 0xF0], &b"QdH6CCms5EU\x83"[..]].concat();
    assert_eq!(one(&negative), Err(BigDataError::TooLarge));
}

#[test]
fn clients_that_omit_the_length_are_understood_with_every_form_of_node() {
    let wide = node::wide_node_from_random([7; 15]);
    for node in ["QdH6CCms5EU", "2", "a", wide.as_str(), "zzz"] {
        for kind in [BigKind::Text, BigKind::Binary, BigKind::Stream] {
            let sent = BigPacket {
                kind,
                node: Node::new(node).unwrap(),
                data: Bytes::from_static(b"some data"),
            };
            for limit in [100, 32 << 20, usize::MAX] {
                assert_eq!(
                    Reassembler::new(limit).push(&sent.to_client()),
                    Ok(Some(sent.clone()))
                );
            }
        }
    }
    assert!(u32::from_be_bytes(*b"!!!!") as usize > MAX_LIMIT);
}

#[test]
fn the_first_separator_ends_the_node() {
    let read = one(&packet(BigKind::Text, b"a|b\0c").to_server().unwrap())
        .unwrap()
        .unwrap();
    assert_eq!(read.data, &b"a|b\0c"[..]);
    // One client writes a zero byte; in binary kinds a zero byte is no separator.
    let zero = BigPacket::parse_delivery(b"\x5fQdH6CCms5EU\0big|text").unwrap();
    assert_eq!(zero, packet(BigKind::Text, b"big|text"));
    assert_eq!(
        BigPacket::parse_delivery(b"\x60QdH6CCms5EU\0ab\x83c"),
        Err(BigDataError::Node)
    );
    let read = one(&packet(BigKind::Binary, b"\x83\0\x83").to_server().unwrap())
        .unwrap()
        .unwrap();
    assert_eq!(read.data, &b"\x83\0\x83"[..]);
}

#[test]
fn a_bad_target_is_refused() {
    let send = |body: &[u8]| {
        let length = u8::try_from(5 + body.len()).unwrap();
        one(&[&[96, 0, 0, 0, length], body].concat()).unwrap_err()
    };
    assert_eq!(send(b"no separator").error_code(), Some(ErrorCode::BigData));
    assert_eq!(send(b"\x83data").error_code(), Some(ErrorCode::Account));
    assert_eq!(send(b"two words\x83data").error_code(), Some(ErrorCode::Account));
    assert_eq!(
        send("näme\u{3}".as_bytes()).error_code(),
        Some(ErrorCode::BigData)
    );
    assert_eq!(
        send(&[&[b'a'; 65], &b"\x83data"[..]].concat()),
        BigDataError::Node
    );
}

#[test]
fn empty_data_is_allowed() {
    let empty = packet(BigKind::Stream, b"");
    assert_eq!(one(&empty.to_server().unwrap()), Ok(Some(empty)));
}
