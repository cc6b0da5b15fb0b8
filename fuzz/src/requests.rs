//! What stands in requests: days and ranges of bytes.

use std::hint::black_box;

// Pure files of a crate that is too large to be built with instrumentation.
#[allow(dead_code)]
#[path = "../../crates/server/src/http/days.rs"]
mod days;
#[allow(dead_code)]
#[path = "../../crates/server/src/http/range.rs"]
mod range;

/// A date parameter, and a Range header for a body whose length is the first bytes.
pub fn request(data: &[u8]) {
    let (length, rest) = data.split_at(data.len().min(8));
    let length = length.iter().fold(0u64, |length, byte| length << 8 | u64::from(*byte));
    let text = String::from_utf8_lossy(rest);
    if let Ok(days) = days::Days::parse(&text) {
        assert!(days.first <= days.last, "days are in order");
        assert_eq!(days::Days::parse(&format!("{}_{}", days.first, days.last)), Ok(days));
    }
    if let Some(range) = range::parse(&text).and_then(|wanted| wanted.of(length)) {
        assert!(range.start < range.end && range.end <= length, "a range lies within");
    }
    black_box(range::parse(&format!("bytes={text}")).and_then(|wanted| wanted.of(length)));
}
