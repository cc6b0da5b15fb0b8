//! docs/detectors.md, made of what each detector says of itself.

use std::fmt::Write as _;

use super::about::Detector;
use super::http_request::{self, Attack, Search};

const HEAD: &str = "# Detectors

<!-- Made by `cargo run -p detect --example manual > docs/detectors.md`. -->

A detector finds what no trail lists, by how it behaves. Its events have the reference `(heuristic)`, and in the journal `confidence` and `reasons`.

* `USE_HEURISTICS false` switches all of them off, `DISABLED_HEURISTICS name,name` some.
* `DETECTOR_THRESHOLDS name=number,...` changes what a detector compares with.
* `USER_WHITELIST`, `USER_IGNORELIST` and `IGNORE_EVENTS_REGEX` apply to them as to trails.
* What they remember is bounded: at the limit new hosts and names are refused and counted (`maltrail_table_refused_total` in metrics), known ones are not forgotten.
* Time is that of packets, and what is found does not depend on the number of workers.
";

/// How well classes of attacks in requests are told, on requests of which it is known what they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Attacks there are.
    pub attacks: usize,
    /// Of these found.
    pub found: usize,
    /// Of these told as what they are.
    pub of_class: usize,
    /// Harmless requests there are.
    pub harmless: usize,
    /// Of these taken for attacks.
    pub mistaken: usize,
}

impl Figures {
    /// `attacks` has a line `class TAB request` each, `harmless` a request: a target, and after ` || ` a body.
    #[must_use]
    pub fn of(attacks: &str, harmless: &str) -> Figures {
        let mut search = Search::new();
        let mut figures = Figures::default();
        for (class, request) in lines(attacks).filter_map(|line| line.split_once('\t')) {
            let attack = see(&mut search, request);
            figures.attacks += 1;
            figures.found += usize::from(attack.is_some());
            figures.of_class += usize::from(attack.is_some_and(|attack| attack.class.info().contains(class)));
        }
        for request in lines(harmless) {
            figures.harmless += 1;
            figures.mistaken += usize::from(see(&mut search, request).is_some());
        }
        figures
    }
}

/// Lines that are no comment.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with("# "))
}

/// What a sensor says of a request in words.
#[must_use]
pub fn see(search: &mut Search, request: &str) -> Option<Attack> {
    let (target, body) = request.split_once(" || ").unwrap_or((request, ""));
    http_request::see(search, target.as_bytes(), body.as_bytes())
}

/// The page.
#[must_use]
pub fn page(figures: Figures) -> String {
    let mut page = format!("{HEAD}\n| name | events | default |\n|---|---|---|\n");
    for detector in Detector::ALL {
        let about = detector.about();
        let on = if about.on { "on" } else { "off" };
        let default =
            about.threshold.map_or_else(|| on.to_owned(), |t| format!("{on}, more than {} {}", t.default, t.of));
        // Writing to a String does not fail.
        let _ = writeln!(page, "| `{}` | {} | {default} |", about.name, about.events);
    }
    for detector in Detector::ALL {
        let about = detector.about();
        let _ = write!(page, "\n## {}\n\n{}\n\n", about.name, about.finds);
        let parts = [
            ("Why it matters", about.why),
            ("Example", about.example),
            ("Known false alarms", about.false_alarms),
            ("How it is evaded", about.evaded),
        ];
        for (name, text) in parts {
            let _ = writeln!(page, "* **{name}**: {text}");
        }
        if let Some(threshold) = about.threshold {
            let (least, greatest) = (threshold.least, threshold.greatest);
            let of = threshold.of;
            let _ = writeln!(page, "* **Threshold**: more than {} {of} ({least} to {greatest}).", threshold.default);
        }
        if detector == Detector::HttpRequest {
            let Figures { attacks, found, of_class, harmless, mistaken } = figures;
            let percent = |part: usize, all: usize| 100.0 * part as f64 / all.max(1) as f64;
            let _ = writeln!(
                page,
                "* **Measured** on requests written for this (`crates/detect/corpus`): of {attacks} attacks {found} are found (recall {:.1} %), {of_class} as \
                 what they are; of {harmless} harmless requests {mistaken} are taken for attacks (precision {:.1} %).",
                percent(found, attacks),
                percent(found, found + mistaken)
            );
        }
        if !about.aliases.is_empty() {
            let aliases: Vec<String> = about.aliases.iter().map(|name| format!("`{name}`")).collect();
            let _ = writeln!(page, "* **Also known as** {}", aliases.join(", "));
        }
    }
    page
}
