//! See `tim_protocol::fuzzing::bigdata`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tim_protocol::fuzzing::bigdata(input));
