//! The packet path under broken frames, and the words under broken texts: nothing panics, nothing goes uncounted.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::path::Path;

use packet::{Dissector, Limits, TableLimit};
use proptest::prelude::*;
use testkit::case::{self, Case};
use testkit::facts::Said;
use testkit::{Recorded, fault, words};

fn all_cases() -> Vec<Case> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cases");
    case::list(&cases).unwrap().iter().map(|path| Case::read(&cases, path).unwrap()).collect()
}

/// Sends frames through a dissector and checks that its tables stay within their limits.
fn within_limits(name: &str, frames: &[Recorded]) {
    let limits = Limits { fragment_bytes: 4096, head_bytes: 8192, ..Limits::default() };
    let mut dissector = Dissector::new(&limits, 7);
    let mut said = Said::default();
    for frame in frames {
        let _outcome = dissector.frame(&frame.as_frame(), &mut said);
        dissector.advance(frame.time, &mut said);
        for table in dissector.tables() {
            assert!(matches!(table.limit, TableLimit::Bytes(limit) if table.bytes <= limit), "{name}: {table:?}");
        }
    }
}

#[test]
fn broken_frames_break_nothing() {
    for case in all_cases() {
        for seed in 0..20 {
            within_limits(&case.name, &fault::flip(&case.frames, 20, seed));
            within_limits(&case.name, &fault::flip(&fault::reorder(&case.frames, 5, seed), 200, seed));
        }
        within_limits(&case.name, &fault::duplicate(&case.frames));
    }
}

#[test]
fn names_are_found_whatever_the_order_of_segments() {
    let hello = "10.0.0.5:40000 > 192.0.2.45:443 tcp tls hello sni=www.evil-site.example.com";
    let syn = "10.0.0.5:40000 > 192.0.2.45:443 tcp syn";
    for order in ["1,2,3,4", "1,3,2,4", "1,4,3,2", "1,2,4,3", "1,2,2,3,4"] {
        let text = format!("{syn}\n{{segment=60 order={order}}} {hello}");
        let said = testkit::facts::of(&words::packets(&text).unwrap());
        assert_eq!(said.facts.len(), 1, "order {order}: {:?}", said.facts);
    }
}

proptest! {
    #[test]
    fn any_text_is_packets_or_an_error(text in "(\\PC{0,20}|10\\.0\\.0\\.5:1 > 10\\.0\\.0\\.6:2 (udp|tcp) (dns|http|tls|quic|text|hex) \\PC{0,40})") {
        let _result = words::packets(&text);
    }

    #[test]
    fn any_text_is_a_case_or_an_error(text in "(x\n)?(\\[(trails|settings|packets|events)\\]\n\\PC{0,30}\n){0,5}") {
        let _result = Case::parse("x", Path::new("x.case"), &text);
    }
}
