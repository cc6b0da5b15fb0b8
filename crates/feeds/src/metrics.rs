//! How feeds are, as metrics in the text form of Prometheus, of the manifest beside the trails: sensor and server show the
//! same.

use std::fmt::Write as _;
use std::path::Path;

use jiff::Timestamp;

use crate::manifest::Manifest;
use crate::publish::Place;
use crate::round::Health;
use crate::spec::is_name;

/// Feeds that are shown at most; what a file beside the trails says of more is left out.
const MAX_SHOWN: usize = 1_000;

/// A number of each feed.
struct Gauge {
    name: &'static str,
    help: &'static str,
    of: fn(&Health, Timestamp) -> Option<u64>,
}

const GAUGES: &[Gauge] = &[
    Gauge { name: "feed_rows", help: "Rows of the copy that is used.", of: |health, _| Some(health.rows) },
    Gauge {
        name: "feed_success_age_seconds",
        help: "Time since the feed was last asked with success; absent before.",
        of: |health, now| Some(age(health.asked?, now)),
    },
    Gauge {
        name: "feed_change_age_seconds",
        help: "Time since its content changed; absent before there is any.",
        of: |health, now| Some(age(health.changed?, now)),
    },
    Gauge {
        name: "feed_failures",
        help: "Times in a row that it failed or was refused.",
        of: |health, _| Some(u64::from(health.failures)),
    },
    Gauge {
        name: "feed_ill",
        help: "1 where somebody should look at it: it fails, is refused, stale or empty.",
        of: |health, _| Some(u64::from(health.ill())),
    },
];

fn age(then: Timestamp, now: Timestamp) -> u64 {
    u64::try_from(now.duration_since(then).as_secs()).unwrap_or_default()
}

/// The feeds of the generation beside TRAILS_FILE; nothing where no update made it.
#[must_use]
pub fn text(trails_file: &Path, now: Timestamp) -> String {
    Manifest::read(&Place::of(trails_file).manifest()).map_or_else(String::new, |manifest| of(&manifest, now))
}

fn of(manifest: &Manifest, now: Timestamp) -> String {
    let mut out = String::new();
    head(&mut out, "update_age_seconds", "Time since the trails were made of feeds and lists.");
    let _ = writeln!(out, "maltrail_update_age_seconds {}", age(manifest.built, now));
    let feeds = || manifest.feeds.iter().take(MAX_SHOWN).filter(|health| is_name(&health.name));
    for gauge in GAUGES {
        head(&mut out, gauge.name, gauge.help);
        for health in feeds() {
            if let Some(value) = (gauge.of)(health, now) {
                let _ = writeln!(out, "maltrail_{}{{feed=\"{}\"}} {value}", gauge.name, health.name);
            }
        }
    }
    head(&mut out, "feed_outcome", "1 for what came of asking for it the last time.");
    for health in feeds() {
        let (name, outcome) = (&health.name, health.outcome.as_str());
        let _ = writeln!(out, "maltrail_feed_outcome{{feed=\"{name}\",outcome=\"{outcome}\"}} 1");
    }
    out
}

fn head(out: &mut String, name: &str, help: &str) {
    let _ = writeln!(out, "# HELP maltrail_{name} {help}\n# TYPE maltrail_{name} gauge");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::round::Outcome;

    fn manifest(feeds: Vec<Health>) -> Manifest {
        let text = r#"{"generation": 1, "built": "2026-01-01T00:00:00Z", "trails": 1, "kinds": {}, "feeds": [], "sources": [],
            "refused": {}, "left_out": {}, "change": null}"#;
        Manifest { feeds, ..serde_json::from_str(text).unwrap() }
    }

    fn health(name: &str, asked: Option<&str>) -> Health {
        let asked: Option<Timestamp> = asked.map(|asked| asked.parse().unwrap());
        Health {
            name: name.into(),
            outcome: Outcome::Failed,
            error: Some("the server answered 503".into()),
            rows: 7,
            bytes: 70,
            asked,
            changed: asked,
            stale: false,
            failures: 3,
            next: None,
        }
    }

    #[test]
    fn every_feed_is_told() {
        let now = "2026-01-02T00:00:00Z".parse().unwrap();
        let said = of(&manifest(vec![health("list", Some("2026-01-01T23:59:00Z")), health("new", None)]), now);
        for line in [
            "maltrail_update_age_seconds 86400",
            "maltrail_feed_rows{feed=\"list\"} 7",
            "maltrail_feed_success_age_seconds{feed=\"list\"} 60",
            "maltrail_feed_change_age_seconds{feed=\"list\"} 60",
            "maltrail_feed_failures{feed=\"new\"} 3",
            "maltrail_feed_ill{feed=\"list\"} 1",
            "maltrail_feed_outcome{feed=\"list\",outcome=\"failed\"} 1",
        ] {
            assert!(said.lines().any(|said| said == line), "{line} in\n{said}");
        }
        assert!(!said.contains("age_seconds{feed=\"new\"}") && !said.contains("503"), "{said}");
    }

    #[test]
    fn they_are_bounded_and_named_as_feeds_are() {
        let now = Timestamp::UNIX_EPOCH;
        let shown = |feeds: Vec<Health>| of(&manifest(feeds), now).matches("maltrail_feed_rows{").count();
        for (feeds, most) in [(999, 999), (1_000, 1_000), (1_001, 1_000)] {
            assert_eq!(shown((0..feeds).map(|number| health(&format!("f{number}"), None)).collect()), most);
        }
        assert_eq!(shown(vec![health("a\"} 1\nb", None), health("", None)]), 0);
    }

    #[test]
    fn without_a_manifest_there_is_nothing() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(text(&directory.path().join("trails.csv"), Timestamp::UNIX_EPOCH), "");
    }
}
