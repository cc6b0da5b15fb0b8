//! docs/detectors.md is what the code says, and classes of attacks are told as well as it says.

#![allow(clippy::unwrap_used)] // Helpers of tests.

use detect::detectors::http_request::Search;
use detect::detectors::manual::{Figures, page, see};

const ATTACKS: &str = include_str!("../corpus/attacks.txt");
const HARMLESS: &str = include_str!("../corpus/harmless.txt");

#[test]
fn the_manual_is_that_of_the_code() {
    let written = include_str!("../../../docs/detectors.md");
    assert_eq!(
        written,
        page(Figures::of(ATTACKS, HARMLESS)),
        "cargo run -p detect --example manual > docs/detectors.md"
    );
}

/// Prints what is not told as it should be; the figures may get better, not worse.
#[test]
fn attacks_are_told_and_harmless_requests_are_not() {
    let mut search = Search::new();
    let requests = |text: &'static str| text.lines().filter(|line| !line.is_empty() && !line.starts_with("# "));
    for (class, request) in requests(ATTACKS).map(|line| line.split_once('\t').unwrap()) {
        let came = see(&mut search, request);
        if !came.as_ref().is_some_and(|attack| attack.class.info().contains(class)) {
            println!("{class}: {request}\n    {came:?}");
        }
    }
    for request in requests(HARMLESS) {
        if let Some(came) = see(&mut search, request) {
            println!("harmless: {request}\n    {came:?}");
        }
    }
    let figures = Figures::of(ATTACKS, HARMLESS);
    assert!(figures.attacks > 150 && figures.harmless > 150, "{figures:?}");
    assert!(figures.found * 100 >= figures.attacks * 97, "{figures:?}");
    assert!(figures.of_class * 100 >= figures.attacks * 90, "{figures:?}");
    assert!(figures.mistaken * 100 <= figures.harmless, "{figures:?}");
}
