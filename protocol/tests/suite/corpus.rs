//! Replays the saved inputs of the fuzz targets.

use std::path::Path;

use tim_protocol::fuzzing;

fn replay(target: &str, body: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).expect("the corpus is part of the repository") {
        body(&std::fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count > 10, "{target} has only {count} inputs");
}

#[test]
fn saved_packets_are_handled() {
    replay("packet", fuzzing::packet);
}

#[test]
fn saved_compact_structs_are_handled() {
    replay("compact", fuzzing::compact);
}

#[test]
fn saved_json_structs_are_handled() {
    replay("json", fuzzing::json);
}

#[test]
fn saved_big_data_is_handled() {
    replay("bigdata", fuzzing::bigdata);
}
