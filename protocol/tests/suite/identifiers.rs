//! Nodes: what is accepted, the wide form, and the original form against published samples.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;
use tim_protocol::Node;
use tim_protocol::node::{self, NodeError, original};

use crate::vectors::{file, unhex};

const KEY: [u8; 32] = [0x42; 32];

#[test]
fn nodes_are_short_visible_ascii() {
    assert!(Node::new("a").is_ok());
    assert!(Node::new(&"a".repeat(64)).is_ok());
    assert_eq!(Node::new(""), Err(NodeError::Empty));
    assert_eq!(Node::new(&"a".repeat(65)), Err(NodeError::TooLong));
    for text in [
        "a|b", "a b", "a\0", "a\u{83}", "a\"b", "a\\b", "é", "测试", "a\n", "\u{7f}",
    ] {
        assert_eq!(Node::new(text), Err(NodeError::Character), "{text:?}");
    }
}

#[test]
fn nodes_travel_through_serde_checked() {
    let node: Node = serde_json::from_str("\"UHuS8PoK2LX\"").unwrap();
    assert_eq!(serde_json::to_string(&node).unwrap(), "\"UHuS8PoK2LX\"");
    assert!(serde_json::from_str::<Node>("\"a|b\"").is_err());
    assert_eq!(node, "UHuS8PoK2LX");
    let set: HashSet<Node> = [node].into();
    assert!(set.contains("UHuS8PoK2LX"));
}

#[test]
fn account_nodes_depend_on_key_domain_and_name_without_ambiguity() {
    let base = node::wide_account_node(&KEY, "ab", "cd");
    assert_eq!(base, node::wide_account_node(&KEY, "ab", "cd"));
    let others = [
        node::wide_account_node(&KEY, "a", "bcd"),
        node::wide_account_node(&KEY, "abc", "d"),
        node::wide_account_node(&KEY, "", "abcd"),
        node::wide_account_node(&KEY, "abcd", ""),
        node::wide_account_node(&KEY, "cd", "ab"),
        node::wide_account_node(&[0x43; 32], "ab", "cd"),
    ];
    let distinct: BTreeSet<_> = others.iter().chain([&base]).collect();
    assert_eq!(distinct.len(), 7);
    assert!(
        distinct
            .iter()
            .all(|node| node::is_well_formed_wide(node.as_str()))
    );
}

/// The construction must never change: nodes are in databases. Computed with another implementation of
/// HMAC-SHA-256, CRC-8/ROHC and base58.
#[test]
fn account_nodes_are_stable() {
    assert_eq!(node::wide_account_node(&KEY, "", "tim1"), FIXED[0]);
    assert_eq!(node::wide_account_node(&KEY, "tlnet.top", "测试"), FIXED[1]);
    assert_eq!(node::wide_node_from_random([0; 15]), FIXED[2]);
    assert_eq!(node::wide_node_from_random([0xFF; 15]), FIXED[3]);
}

const FIXED: [&str; 4] = [
    "HRNwRxh6X8SLT6rNTCHoVX",
    "BqR5ce25yRgtzH2AXCrNPF",
    "111111111111111A",
    "YcVfxkQb6JRzqk5kF2tNKz",
];

#[test]
fn leading_zero_bytes_have_one_text_only() {
    for zeros in 0..=15 {
        let mut id = [0xA5; 15];
        id[..zeros].fill(0);
        let node = node::wide_node_from_random(id);
        assert!(node::is_well_formed_wide(node.as_str()));
        // With a `1` more or less it is another number of bytes, never the same node again.
        let more = format!("1{node}");
        assert!(!node::is_well_formed_wide(&more));
        if let Some(less) = node.as_str().strip_prefix('1') {
            assert!(!node::is_well_formed_wide(less));
        }
    }
}

#[test]
fn one_of_256_random_texts_passes_the_check() {
    // Every last byte for one identifier: exactly one is right.
    let mut bytes = [0x5A; 16];
    let right = (0..=255_u8).filter(|&last| {
        bytes[15] = last;
        node::is_well_formed_wide(&bs58::encode(bytes).into_string())
    });
    assert_eq!(right.count(), 1);
    for text in [
        "",
        "1",
        "UHuS8PoK2LX",
        "0OIl",
        "a|b",
        "测试测试测试",
        &"1".repeat(16),
        &"z".repeat(22),
        &"1".repeat(1000),
    ] {
        assert!(!node::is_well_formed_wide(text), "{text}");
    }
}

#[test]
fn original_nodes_are_never_wide_nodes() {
    let scheme = original::Scheme::default();
    for number in 0..1000 {
        let node = scheme.user_node(&number.to_string(), "").unwrap();
        assert!(scheme.is_well_formed(node.as_str()));
        assert!(!node::is_well_formed_wide(node.as_str()));
    }
}

fn text<'a>(sample: &'a Value, member: &str) -> &'a str {
    sample[member].as_str().unwrap_or_default()
}

#[test]
fn published_identifiers_are_reproduced() {
    let file = file();
    let samples = file["identifiers"].as_array().unwrap();
    assert_eq!(samples.len(), 12);
    for sample in samples {
        let seed = Some(text(sample, "maskseed")).filter(|seed| *seed != "default");
        let scheme = original::Scheme::new(None, seed);
        let default = original::Scheme::default();
        match text(sample, "kind") {
            "user-node" => {
                let (name, domain) = (text(sample, "name"), text(sample, "domain"));
                let number = scheme.user_number(name, domain);
                assert_eq!(format!("{number:016x}"), text(sample, "uuid_hex"));
                let node = scheme.user_node(name, domain).unwrap();
                assert_eq!(node, text(sample, "node"));
                assert!(scheme.is_well_formed(node.as_str()));
                assert_eq!(original::base58_decode(node.as_str()), number);
            }
            "chat-id-users" => {
                let (a, b, domain) = (text(sample, "a"), text(sample, "b"), text(sample, "domain"));
                let key = default.pair_key(a, b, domain);
                assert_eq!(key.to_vec(), unhex(text(sample, "hex")));
                assert_eq!(key, default.pair_key(b, a, domain));
            }
            "chat-id-room" => {
                let key = default.room_key(text(sample, "room"), text(sample, "domain"));
                assert_eq!(key.to_vec(), unhex(text(sample, "hex")));
            }
            "mask" => {
                let mut bytes = unhex(text(sample, "plain_hex"));
                let plain = bytes.clone();
                scheme.mask(&mut bytes);
                assert_eq!(bytes, unhex(text(sample, "masked_hex")));
                scheme.mask(&mut bytes);
                assert_eq!(bytes, plain);
            }
            "server-tag" => {
                let number = sample["server_uuid"].as_u64().unwrap();
                assert_eq!(
                    Some(i64::from(original::server_tag(number))),
                    sample["t"].as_i64()
                );
            }
            "sender-fid" => {
                assert_eq!(
                    Some(i64::from(original::author_stamp(text(sample, "node")))),
                    sample["fid"].as_i64()
                );
            }
            other => panic!("unknown kind {other}"),
        }
    }
}

#[test]
fn checksums_have_their_check_values() {
    assert_eq!(original::crc64(b"123456789"), 0x995D_C9BB_DF19_39FA);
    assert_eq!(original::crc8(b"123456789"), 0xF4);
    assert_eq!(original::fnv32(b"a"), 0xE40C_292C);
    assert_eq!(original::fnv64(b"a"), 0xAF63_DC4C_8601_EC8C);
    assert!(original::shard(b"anything") < 1 << 20);
}

#[test]
fn original_base58_is_plain_number_conversion() {
    assert_eq!(original::base58_encode(0), "");
    assert_eq!(original::base58_encode(57), "z");
    assert_eq!(original::base58_encode(58), "21");
    assert_eq!(original::base58_decode("1121"), 58);
    assert_eq!(original::base58_decode("0"), 0);
    for number in [1, u64::MAX, 1 << 60, 0xA32A_3794_5481_AF40] {
        assert_eq!(original::base58_decode(&original::base58_encode(number)), number);
    }
    let wraps = original::base58_decode(&"z".repeat(64));
    assert_ne!(wraps, 0);
    for token in ["PNkttkWczD5", "H4rR7RfUbmG"] {
        assert_eq!(original::token_from_number(original::token_number(token)), token);
    }
}

#[test]
fn originals_with_a_wrong_character_are_not_well_formed() {
    let scheme = original::Scheme::default();
    assert!(scheme.is_well_formed("UHuS8PoK2LX"));
    for wrong in [
        "",
        "1",
        "UHuS8PoK2LY",
        "UHuS8PoK2XL",
        "uHuS8PoK2LX",
        &"1".repeat(65),
    ] {
        assert!(!scheme.is_well_formed(wrong), "{wrong}");
    }
}
