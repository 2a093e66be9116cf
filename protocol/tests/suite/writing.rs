//! Details of what is written (`wire-protocol 5.2` and `5.3`), and that secrets are not shown.

use std::collections::BTreeMap;

use bytes::Bytes;
use tim_protocol::wire::*;
use tim_protocol::{Encoding, ErrorCode, WireStruct};

use crate::vectors::unhex;

fn json<T: WireStruct>(value: &T) -> String {
    String::from_utf8(value.encode(Encoding::Json)).unwrap()
}

#[test]
fn required_fields_are_written_even_when_zero() {
    assert_eq!(
        TimMessage::default().encode(Encoding::Compact),
        unhex("1300130000")
    );
    assert_eq!(json(&TimMessage::default()), r#"{"msType":0,"odType":0}"#);
    assert_eq!(
        json(&TimStream::default()),
        r#"{"id":0,"VNode":"","fromNode":""}"#
    );
    assert_eq!(json(&TimReq::default()), "{}");
    assert_eq!(TimReq::default().encode(Encoding::Compact), [0]);
}

#[test]
fn absent_and_zero_differ_in_optional_fields() {
    let zero = TimPresence {
        show: Some(0),
        offline: Some(false),
        ..TimPresence::default()
    };
    assert_eq!(json(&zero), r#"{"offline":false,"show":0}"#);
    assert_eq!(
        TimPresence::decode(&zero.encode(Encoding::Compact), Encoding::Compact).unwrap(),
        zero
    );
}

#[test]
fn empty_optional_containers_are_kept_in_compact_and_left_out_in_json() {
    let empty = TimNodes {
        nodelist: Some(vec![]),
        usermap: Some(BTreeMap::new()),
        node: Some(String::new()),
        ..TimNodes::default()
    };
    assert_eq!(
        TimNodes::decode(&empty.encode(Encoding::Compact), Encoding::Compact).unwrap(),
        empty
    );
    assert_eq!(json(&empty), r#"{"ntype":0,"node":""}"#);
}

#[test]
fn lists_switch_to_the_long_header_at_fifteen_elements() {
    for (count, header) in [(14, "1500 19e8"), (15, "1500 19f80f"), (200, "1500 19f8c801")] {
        let nodes = TimNodes {
            nodelist: Some(vec!["a".into(); count]),
            ..TimNodes::default()
        };
        let bytes = nodes.encode(Encoding::Compact);
        assert!(bytes.starts_with(&unhex(header)));
        assert_eq!(TimNodes::decode(&bytes, Encoding::Compact).unwrap(), nodes);
    }
}

#[test]
fn a_field_more_than_fifteen_ids_on_gets_the_long_header() {
    // No struct has such a gap between fields that are always there; id 17 after id 1 or 2 has it.
    let message = TimMessage {
        to_list: Some(vec!["a".into()]),
        ..TimMessage::default()
    };
    assert_eq!(message.encode(Encoding::Compact), unhex("13001300f918016100"));
    let message = TimReq {
        req_str2: Some("a".into()),
        ..TimReq::default()
    };
    assert_eq!(message.encode(Encoding::Compact), unhex("78016100"));
}

#[test]
fn json_text_is_escaped() {
    let tid = Tid {
        node: "\"\\/\u{8}\n\r\t\0\u{1f}\u{7f}é测😀\u{2028}".into(),
        ..Tid::default()
    };
    let text = json(&tid);
    assert!(
        text.starts_with(r#"{"node":"\"\\/\u0008\n\r\t\u0000\u001f"#),
        "{text}"
    );
    let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(parsed["node"], tid.node);
}

#[test]
fn json_binary_of_any_length_is_padded_base64() {
    for length in [0, 1, 2, 3, 767, 768, 769, 1536, 5000] {
        let body: Bytes = (0..length)
            .map(|n: u32| n.to_le_bytes()[0])
            .collect::<Vec<_>>()
            .into();
        let stream = TimStream {
            body: Some(body),
            ..TimStream::default()
        };
        let bytes = stream.encode(Encoding::Json);
        assert_eq!(TimStream::decode(&bytes, Encoding::Json).unwrap(), stream);
    }
}

#[test]
fn short_forms_of_answers() {
    assert_eq!(json(&TimAck::success(20_i8)), r#"{"ok":true,"timType":20}"#);
    let refusal = TimAck::refusal(tim_protocol::packet::PacketType::Message, ErrorCode::PermDenied);
    assert_eq!(
        json(&refusal),
        r#"{"ok":false,"timType":90,"error":{"code":4105,"info":"permission denied"}}"#
    );
    assert_eq!(refusal.error_code(), Some(ErrorCode::PermDenied));
}

#[test]
fn debug_output_hides_passwords_and_tokens() {
    let secret = || Some("secret".to_owned());
    let auth = TimAuth {
        name: Some("n".into()),
        pwd: secret(),
        token: secret(),
        ..TimAuth::default()
    };
    let change = TimReq {
        rtype: Some(21),
        req_str: secret(),
        req_str2: secret(),
        ..TimReq::default()
    };
    let token = TimAck {
        n: secret(),
        t: Some(123_456_789),
        ..TimAck::success(15_i8)
    };
    let admin = tim_protocol::admin::AuthBean {
        password: secret(),
        ..Default::default()
    };
    let shown = format!("{auth:?} {change:#?} {token:?} {admin:?}");
    assert!(
        !shown.contains("secret") && !shown.contains("123456789"),
        "{shown}"
    );
    assert!(shown.contains("\"n\""));
    let greeting = TimReq {
        rtype: Some(4),
        req_str: Some("hello".into()),
        ..TimReq::default()
    };
    assert!(format!("{greeting:?}").contains("hello"));
}
