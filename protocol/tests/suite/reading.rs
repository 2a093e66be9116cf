//! What readers tolerate and what they refuse (`wire-protocol 5.2` and `5.3`).

use tim_protocol::wire::*;
use tim_protocol::{DecodeError, Encoding, MAX_NESTING, WireStruct, compact, json};

use crate::vectors::unhex;

fn tid(node: &str) -> Tid {
    Tid {
        node: node.into(),
        ..Tid::default()
    }
}

#[test]
fn bytes_after_the_struct_are_ignored_in_compact() {
    let read = compact::decode::<Tid>(&unhex("18016100ffffff")).unwrap();
    assert_eq!(read, tid("a"));
}

#[test]
fn missing_required_fields_are_zero() {
    assert_eq!(
        compact::decode::<TimMessage>(&[0]).unwrap(),
        TimMessage::default()
    );
    assert_eq!(json::decode::<TimMessage>(b"{}").unwrap(), TimMessage::default());
    assert_eq!(
        json::decode::<TimStream>(br#"{"id":null,"VNode":null}"#).unwrap(),
        TimStream::default()
    );
}

#[test]
fn unknown_fields_of_every_type_are_skipped() {
    // Field ids from 20 up, then field 1 in the long form: node = "a".
    let unknown = [
        "0128",                               // bool true
        "12",                                 // bool false
        "13ff",                               // i8
        "14ffff03",                           // i16
        "15ffffffff0f",                       // i32
        "16ffffffffffffffffff01",             // i64
        "170102030405060708",                 // double
        "1803616263",                         // binary
        "19320102ff",                         // list of three booleans
        "1a2804616263640161",                 // set of two binaries
        "1b0185016105",                       // map of string to i32
        "1b00",                               // empty map
        "1c1c111801610000",                   // struct with a struct with a boolean and a string
        "1d000102030405060708090a0b0c0d0e0f", // uuid
    ];
    let bytes = unhex(&format!("{}0802016100", unknown.concat()));
    assert_eq!(compact::decode::<Tid>(&bytes).unwrap(), tid("a"));
}

#[test]
fn known_fields_with_another_type_are_skipped() {
    // node (1) as i32 7, then termtyp (4) as string, then domain (2) in the long form.
    assert_eq!(
        compact::decode::<Tid>(&unhex("150e38017808040178 00")).unwrap(),
        Tid {
            domain: Some("x".into()),
            ..Tid::default()
        }
    );
    // extend (5) as map string -> i32 and nodelist (2) as list of i32.
    let read = compact::decode::<Tid>(&unhex("180161 4b01850161 0e 00")).unwrap();
    assert_eq!(read, tid("a"));
    let read = compact::decode::<TimNodes>(&unhex("1502 1925 02 04 38 0161 00")).unwrap();
    assert_eq!(
        read,
        TimNodes {
            ntype: 1,
            node: Some("a".into()),
            ..TimNodes::default()
        }
    );
}

#[test]
fn empty_containers_of_any_element_type_are_empty_lists() {
    let read = compact::decode::<TimNodes>(&unhex("15021905 1b00 00")).unwrap();
    assert_eq!(read.nodelist, Some(vec![]));
    assert_eq!(read.usermap.map(|map| map.len()), Some(0));
}

#[test]
fn the_last_of_repeated_fields_counts() {
    assert_eq!(
        compact::decode::<Tid>(&unhex("18016108020162 00")).unwrap(),
        tid("b")
    );
    assert_eq!(
        json::decode::<Tid>(br#"{"node":"a","NODE":"b"}"#).unwrap(),
        tid("b")
    );
}

#[test]
fn wrong_numbers_are_refused() {
    // An i64 of eleven bytes, and one of ten with bits beyond 64.
    for hex in ["16ffffffffffffffffffff0100", "16ffffffffffffffffff0200"] {
        assert_eq!(
            compact::decode::<TimPresence>(&unhex(hex)),
            Err(DecodeError::Varint)
        );
    }
    // i16 and i32 out of range.
    assert_eq!(
        compact::decode::<TimPresence>(&unhex("7480800400")),
        Err(DecodeError::IntegerRange)
    );
    assert_eq!(
        compact::decode::<TimError>(&unhex("1580808080800100")),
        Err(DecodeError::IntegerRange)
    );
    // A field id beyond 16 bits.
    assert_eq!(
        compact::decode::<TimError>(&unhex("0580800400")),
        Err(DecodeError::IntegerRange)
    );
    // Extreme values that fit.
    let extreme = TimPresence {
        id: Some(i64::MIN),
        show: Some(i16::MIN),
        ..TimPresence::default()
    };
    for encoding in [Encoding::Compact, Encoding::Json] {
        assert_eq!(
            TimPresence::decode(&extreme.encode(encoding), encoding).unwrap(),
            extreme
        );
    }
}

#[test]
fn lengths_and_counts_beyond_the_input_are_refused() {
    for hex in ["18ffffffff0f61", "180261", "28ffffffffffffffffff01"] {
        assert_eq!(
            compact::decode::<TimReq>(&unhex(hex)),
            Err(DecodeError::UnexpectedEnd),
            "{hex}"
        );
    }
    assert_eq!(
        compact::decode::<TimNodes>(&unhex("29f8ffffffff0f")),
        Err(DecodeError::UnexpectedEnd)
    );
    assert_eq!(
        compact::decode::<TimNodes>(&unhex("3bffffffff0f8c")),
        Err(DecodeError::UnexpectedEnd)
    );
    assert_eq!(
        compact::decode::<TimNodes>(&unhex("29e8")),
        Err(DecodeError::UnexpectedEnd)
    );
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    assert_eq!(compact::decode::<Tid>(&unhex("1801ff00")), Err(DecodeError::Utf8));
    assert!(json::decode::<Tid>(b"{\"node\":\"\xff\"}").is_err());
}

#[test]
fn unknown_type_codes_are_refused() {
    assert_eq!(
        compact::decode::<Tid>(&unhex("8e00")),
        Err(DecodeError::UnknownType(14))
    );
    assert_eq!(
        compact::decode::<Tid>(&unhex("891000")),
        Err(DecodeError::UnknownType(0))
    );
}

#[test]
fn nesting_bombs_are_refused() {
    let mut structs = vec![0x8C];
    structs.resize(100_000, 0x1C);
    assert_eq!(compact::decode::<Tid>(&structs), Err(DecodeError::TooDeep));
    let mut lists = vec![0x89];
    lists.resize(100_000, 0x19);
    assert_eq!(compact::decode::<Tid>(&lists), Err(DecodeError::TooDeep));
    let mut maps = vec![0x8B];
    maps.extend([0x01, 0x3B, 0x00].repeat(50_000));
    assert_eq!(compact::decode::<Tid>(&maps), Err(DecodeError::TooDeep));

    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = |levels: usize| {
            format!(
                "{{\"x\":{}1{},\"node\":\"a\"}}",
                open.repeat(levels),
                close.repeat(levels)
            )
        };
        assert_eq!(
            json::decode::<Tid>(deep(100_000).as_bytes()),
            Err(DecodeError::TooDeep)
        );
        let most = usize::try_from(MAX_NESTING).unwrap() - 1;
        assert_eq!(
            json::decode::<Tid>(deep(most + 1).as_bytes()),
            Err(DecodeError::TooDeep)
        );
        assert_eq!(json::decode::<Tid>(deep(most).as_bytes()).unwrap(), tid("a"));
    }
    let braces_in_text = format!(r#"{{"node":"a","x":"\"{}"}}"#, "[{".repeat(1000));
    assert_eq!(json::decode::<Tid>(braces_in_text.as_bytes()).unwrap(), tid("a"));
}

#[test]
fn content_that_would_grow_too_much_is_refused() {
    // A megabyte of empty messages would become more than half a gigabyte.
    let mut bomb = vec![0x29, 0xFC];
    let mut count = 1 << 20;
    while count >= 0x80 {
        bomb.push(0x80 | u8::try_from(count & 0x7F).unwrap());
        count >>= 7;
    }
    bomb.push(u8::try_from(count).unwrap());
    bomb.resize(bomb.len() + (1 << 20) + 1, 0);
    assert_eq!(
        compact::decode::<TimMessageList>(&bomb),
        Err(DecodeError::TooLarge)
    );

    let bomb = format!(r#"{{"messageList":[{}{{}}]}}"#, "{},".repeat(1 << 18));
    assert_eq!(
        json::decode::<TimMessageList>(bomb.as_bytes()),
        Err(DecodeError::TooLarge)
    );
}

#[test]
fn many_small_but_sensible_values_are_accepted() {
    let message = TimMessage {
        ms_type: 2,
        od_type: 1,
        mid: Some(1),
        from_tid: Some(tid("a")),
        data_string: Some("x".into()),
        extend: Some([("a".into(), "b".into())].into()),
        ..TimMessage::default()
    };
    let list = TimMessageList {
        id: None,
        message_list: Some(vec![message; 5000]),
    };
    let profile = TimUserBean {
        name: Some("Tim".into()),
        extend: Some([("a".into(), "b".into())].into()),
        extra: Some([("a".into(), "b".into())].into()),
        ..TimUserBean::default()
    };
    let profiles = (0..2000)
        .map(|number| (format!("UHuS8Po{number}"), profile.clone()))
        .collect();
    let profiles = TimNodes {
        ntype: 4,
        usermap: Some(profiles),
        ..TimNodes::default()
    };
    let lists = TimNodes {
        nodelist: Some(vec![String::new(); 10_000]),
        ..TimNodes::default()
    };
    for encoding in [Encoding::Compact, Encoding::Json] {
        assert_eq!(
            TimMessageList::decode(&list.encode(encoding), encoding).as_ref(),
            Ok(&list)
        );
        for nodes in [&profiles, &lists] {
            assert_eq!(
                TimNodes::decode(&nodes.encode(encoding), encoding).as_ref(),
                Ok(nodes)
            );
        }
    }
}

#[test]
fn json_tolerates_null_unknown_members_and_any_letter_case() {
    let read = json::decode::<TimStream>(
        br#" {"ID": null, "vnode":"r", "other":{"a":[1,2.5e3,null,"\ud800"]}, "BODY":"AQID", "dtype":-0} "#,
    )
    .unwrap();
    assert_eq!(read.vnode, "r");
    assert_eq!(read.body.as_deref(), Some(&[1, 2, 3][..]));
    assert_eq!(read.dtype, Some(0));

    let read =
        json::decode::<TimNodes>(br#"{"NodeList":["a",null],"usermap":{"x":null},"roommap":null}"#).unwrap();
    assert_eq!(read.nodelist, Some(vec!["a".into(), String::new()]));
    assert_eq!(read.usermap, Some([("x".into(), TimUserBean::default())].into()));
    assert_eq!(read.roommap, None);
}

#[test]
fn json_of_the_wrong_type_is_malformed() {
    for text in [
        r#"{"msType":"2"}"#,
        r#"{"msType":2.0}"#,
        r#"{"msType":2e0}"#,
        r#"{"msType":128}"#,
        r#"{"id":9223372036854775808}"#,
        r#"{"id":1e400}"#,
        r#"{"id":true}"#,
        r#"{"isOffline":1}"#,
        r#"{"dataString":1}"#,
        r#"{"dataString":["a"]}"#,
        r#"{"dataString":[97]}"#,
        r#"{"dataBinary":"AQI"}"#,
        r#"{"dataBinary":"A_-="}"#,
        r#"{"dataBinary":[1,2]}"#,
        r#"{"toTid":"a"}"#,
        r#"{"toTid":[]}"#,
        r#"{"extend":[]}"#,
        r#"{"extend":{"a":1}}"#,
        r#"{"ToList":{}}"#,
        r#"{"ToList":"a"}"#,
        "null",
        "[]",
        "1",
        "",
        "{",
        "{}}",
        "{} x",
        "{}\0",
        r#"{"a":1,}"#,
        "{'a':1}",
        "\u{feff}{}",
    ] {
        let read = json::decode::<TimMessage>(text.as_bytes());
        assert!(matches!(read, Err(DecodeError::Json { .. })), "{text}: {read:?}");
    }
}

#[test]
fn half_a_character_from_a_browser_is_replaced() {
    let read = |text: &str| {
        json::decode::<TimMessage>(text.as_bytes())
            .unwrap()
            .data_string
            .unwrap()
    };
    assert_eq!(read(r#"{"dataString":"cut \ud83d"}"#), "cut \u{fffd}");
    assert_eq!(
        read(r#"{"dataString":"\ude00 cut \ud83dx"}"#),
        "\u{fffd} cut \u{fffd}x"
    );
    assert_eq!(read(r#"{"dataString":"\ud83d\ude00"}"#), "\u{1f600}");
}

#[test]
fn errors_never_repeat_what_was_read() {
    let error = json::decode::<TimAuth>(br#"{"name":1,"pwd":"secret"}"#).unwrap_err();
    let error = format!("{error} {error:?}");
    let other = json::decode::<TimAuth>(br#"{"termtyp":"secret"}"#).unwrap_err();
    assert!(!format!("{error}{other}{other:?}").contains("secret"));
}
