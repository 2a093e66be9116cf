//! Measures the memory that decoding takes, in a test binary of its own because the allocator is global. One
//! test only: other threads would be counted too.
#![allow(unsafe_code, reason = "counting what is allocated needs an allocator")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helper functions of tests")]
#![allow(clippy::cast_possible_truncation, reason = "digits of numbers")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tim_protocol::bigdata::Reassembler;
use tim_protocol::wire::*;
use tim_protocol::{DECODE_BASE, DECODE_FACTOR, DecodeError, Encoding, WireStruct};

struct Counting;

static CURRENT: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn grow(bytes: usize) {
    let now = CURRENT.fetch_add(bytes, Relaxed) + bytes;
    PEAK.fetch_max(now, Relaxed);
}

// SAFETY: every call is passed on unchanged to the allocator of the system.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        CURRENT.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    // `realloc` keeps its default: allocate, copy, free. Both blocks count for a moment, the worst case.
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Peak of the memory in use while `body` runs, above what was in use before.
fn peak_of<T>(body: impl FnOnce() -> T) -> (T, usize) {
    let before = CURRENT.load(Relaxed);
    PEAK.store(before, Relaxed);
    let value = body();
    (value, PEAK.load(Relaxed) - before)
}

/// Largest quotient of memory and input seen, for inputs that are not tiny.
static WORST: AtomicUsize = AtomicUsize::new(0);

fn check<T: WireStruct>(what: &str, input: &[u8], encoding: Encoding) -> bool {
    let (result, peak) = peak_of(|| T::decode(input, encoding).map(drop));
    let bound = DECODE_FACTOR * input.len() + DECODE_BASE;
    assert!(
        peak <= bound,
        "{what} as {} in {encoding:?}: {peak} bytes for {}",
        T::NAME,
        input.len()
    );
    if input.len() > 4096 {
        WORST.fetch_max(peak / input.len(), Relaxed);
    }
    result.is_ok()
}

fn check_all(what: &str, input: &[u8], encoding: Encoding) {
    check::<TimAck>(what, input, encoding);
    check::<TimReq>(what, input, encoding);
    check::<TimAuth>(what, input, encoding);
    check::<TimPresence>(what, input, encoding);
    check::<TimMessage>(what, input, encoding);
    check::<TimStream>(what, input, encoding);
    check::<TimNodes>(what, input, encoding);
    check::<TimMessageList>(what, input, encoding);
}

fn varint(mut value: usize) -> Vec<u8> {
    let mut bytes = vec![];
    while value >= 0x80 {
        bytes.push(0x80 | (value & 0x7F) as u8);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A list in field 2 with `count` copies of an element.
fn list(element_type: u8, count: usize, element: &[u8]) -> Vec<u8> {
    [
        &[0x29, 0xF0 | element_type],
        varint(count).as_slice(),
        &element.repeat(count),
        &[0],
    ]
    .concat()
}

/// A map from distinct short keys in the field with that header byte.
fn map(header: u8, types: u8, count: usize, value: &[u8]) -> Vec<u8> {
    let mut bytes = [&[header], varint(count).as_slice(), &[types]].concat();
    for key in 0..count {
        bytes.push(2);
        bytes.extend([0x21 + (key / 90) as u8 % 90, 0x21 + (key % 90) as u8]);
        bytes.extend(value);
    }
    bytes.push(0);
    bytes
}

fn compact_bombs() -> Vec<(&'static str, Vec<u8>)> {
    let small_message = [0x13, 2, 0x13, 1, 0];
    let message_with_maps = [0xFB, 1, 0x88, 0, 0, 0x1B, 1, 0x88, 0, 0, 0];
    let user_with_maps = [0xAB, 1, 0x88, 0, 0, 0x1B, 1, 0x88, 0, 0, 0];
    vec![
        (
            "announced list",
            [&[0x29, 0xFC], varint(1 << 30).as_slice(), &[0; 1000]].concat(),
        ),
        (
            "announced map",
            [&[0x3B], varint(1 << 30).as_slice(), &[0x8C], &[0; 1000]].concat(),
        ),
        (
            "announced string",
            [&[0x18], varint(1 << 30).as_slice(), &[0; 1000]].concat(),
        ),
        ("empty strings", list(8, 100_000, &[0])),
        ("empty messages", list(12, 100_000, &[0])),
        ("small messages", list(12, 50_000, &small_message)),
        ("messages with maps", list(12, 20_000, &message_with_maps)),
        ("some empty messages", list(12, 20, &[0])),
        ("small map of users", map(0x3B, 0x8C, 8000, &[0])),
        ("users with maps", map(0x3B, 0x8C, 8000, &user_with_maps)),
        ("extend", map(0xFB, 0x88, 8000, &[0])),
        ("repeated lists", list(8, 5000, &[0]).repeat(20)),
        (
            "one long string",
            [&[0x28], varint(100_000).as_slice(), &[b'a'; 100_000], &[0]].concat(),
        ),
    ]
}

fn json_bombs() -> Vec<(&'static str, String)> {
    let repeated =
        |name: &str, element: &str, count| format!("{{\"{name}\":[{}]}}", vec![element; count].join(","));
    let keyed = |name: &str, value: &str, count| {
        let members: Vec<_> = (0..count)
            .map(|key: usize| format!("\"{key:x}\":{value}"))
            .collect();
        format!("{{\"{name}\":{{{}}}}}", members.join(","))
    };
    vec![
        ("empty strings", repeated("nodelist", "\"\"", 50_000)),
        ("nulls", repeated("nodelist", "null", 50_000)),
        ("empty messages", repeated("messageList", "{}", 50_000)),
        (
            "messages with maps",
            repeated(
                "messageList",
                "{\"extend\":{\"\":\"\"},\"extra\":{\"\":\"\"}}",
                10_000,
            ),
        ),
        ("users", keyed("usermap", "{}", 10_000)),
        (
            "users with maps",
            keyed(
                "usermap",
                "{\"extend\":{\"\":\"\"},\"extra\":{\"\":\"\"}}",
                10_000,
            ),
        ),
        ("extend", keyed("extend", "\"\"", 10_000)),
        (
            "escapes",
            format!("{{\"dataString\":\"{}\"}}", "\\n".repeat(100_000)),
        ),
        (
            "half surrogates",
            format!("{{\"dataString\":\"{}\"}}", "\\ud800".repeat(50_000)),
        ),
        (
            "base64",
            format!("{{\"dataBinary\":\"{}\"}}", "AAAA".repeat(50_000)),
        ),
        (
            "unknown",
            format!("{{\"other\":{}}}", repeated("x", "[[[1.5e3]]]", 10_000)),
        ),
        ("long name", format!("{{\"{}\":1}}", "x\\n".repeat(50_000))),
    ]
}

#[test]
fn decoding_takes_a_bounded_multiple_of_the_input() {
    for (what, input) in compact_bombs() {
        check_all(what, &input, Encoding::Compact);
        // Cut anywhere, nothing changes.
        for cut in [1, 3, input.len() / 3, input.len() - 1] {
            check_all(what, &input[..cut.min(input.len())], Encoding::Compact);
        }
    }
    for (what, input) in json_bombs() {
        check_all(what, input.as_bytes(), Encoding::Json);
        check_all(what, &input.as_bytes()[..input.len() - 2], Encoding::Json);
    }
    let worst = WORST.load(Relaxed);
    println!("worst quotient of memory and input: {worst}");
    assert!(worst <= DECODE_FACTOR + 4);

    // The bound is what stops the bombs, and it does not stop long lists of nodes.
    let decoded = TimMessageList::decode(&list(12, 100_000, &[0]), Encoding::Compact);
    assert_eq!(decoded, Err(DecodeError::TooLarge));
    assert!(check::<TimNodes>(
        "nodes",
        &list(8, 20_000, b"\x0bUHuS8PoK2LX"),
        Encoding::Compact
    ));

    // Big data: twice what has arrived, whatever was announced.
    let start = [&[96, 1, 0xC0, 0, 0], &b"QdH6CCms5EU\x83"[..]].concat();
    let piece = vec![7; 1000];
    let (_, peak) = peak_of(|| {
        let mut reassembler = Reassembler::new(32 << 20);
        reassembler.push(&start).unwrap();
        for _ in 0..100 {
            reassembler.push(&piece).unwrap();
        }
    });
    // Old and new buffer exist together while one grows.
    assert!(peak <= 3 * (start.len() + 100 * piece.len()), "{peak}");
}
