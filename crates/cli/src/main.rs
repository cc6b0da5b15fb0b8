//! The `maltrail` binary.

fn main() {}
