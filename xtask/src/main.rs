//! Builds, runs, tests and packages tim.
fn main() {}
