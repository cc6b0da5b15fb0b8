//! The page about feeds, `docs/feeds.md`: made of the descriptions, so that it says what is used.

use std::fmt::Write;

use jiff::Timestamp;
use trails::Indicator;

use crate::spec::{Catalogue, Spec, SpecError};

const PAGE: &str = include_str!("page.md");
const EXAMPLE: &str = include_str!("page_example.toml");
const SAMPLE: &str = include_str!("page_example.csv");

/// The page about these feeds.
///
/// # Errors
/// The example on it is no description.
pub fn page(catalogue: &Catalogue) -> Result<String, SpecError> {
    let page = PAGE.replace("{table}", table(catalogue).trim_end());
    let page = page.replace("{example}", EXAMPLE).replace("{sample}", SAMPLE);
    Ok(page.replace("{result}", &result(&Spec::parse("ours", EXAMPLE)?)))
}

fn table(catalogue: &Catalogue) -> String {
    let mut table = String::from("| name | what | licence | terms | interval | default |\n|---|---|---|---|---|---|\n");
    for spec in catalogue.specs() {
        let Spec { name, about, licence, terms, enabled, .. } = spec;
        let default = if *enabled { "on" } else { "off" };
        let interval = interval(spec.interval);
        let _ = writeln!(table, "| `{name}` | {about} | {licence} | {terms} | {interval} | {default} |");
    }
    table
}

fn interval(seconds: u64) -> String {
    match seconds {
        s if s.is_multiple_of(3_600) => format!("{} h", s / 3_600),
        s => format!("{} min", s.div_ceil(60)),
    }
}

/// The trails of the example: indicator, info, reference.
fn result(spec: &Spec) -> String {
    let mut out = String::new();
    let mut scratch = String::new();
    // Memory can be read.
    let _ = spec.rows(Timestamp::UNIX_EPOCH, &mut SAMPLE.as_bytes(), &mut |row| {
        if let Ok(indicator) = Indicator::parse(row.text, &mut scratch)
            && spec.takes(&indicator)
        {
            let _ = writeln!(out, "{indicator},{},{}", row.info.unwrap_or_default(), spec.reference);
        }
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_a_description_that_reads_its_sample() {
        let spec = Spec::parse("ours", EXAMPLE).unwrap();
        assert_eq!(
            result(&spec),
            "evil.example,quiet fox (malware),corp.example\n192.0.2.17:4444,malware,corp.example\n"
        );
        assert!(SAMPLE.contains(spec.guard.contains.as_deref().unwrap()));
    }

    #[test]
    fn intervals() {
        assert_eq!((interval(300), interval(3_600), interval(86_400)), ("5 min".into(), "1 h".into(), "24 h".into()));
    }
}
