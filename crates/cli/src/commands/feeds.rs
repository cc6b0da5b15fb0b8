//! `maltrail feeds`: what feeds there are, which are used, and how they are.

use std::collections::HashMap;
use std::fmt::Write as _;

use feeds::manifest::Manifest;
use feeds::publish::Place;
use feeds::round::{Health, Outcome};
use feeds::{Catalogue, Spec};
use jiff::Timestamp;
use serde_json::json;

use super::{complain, print, usable};
use crate::arguments::FeedsArguments;
use crate::config::{Config, Environment};
use crate::console::safe;
use crate::exit::Exit;

pub(crate) fn run(arguments: &FeedsArguments) -> Exit {
    let config = Config::load(arguments.config.as_deref(), &Environment::of_process());
    if let Err(exit) = usable(&config) {
        return exit;
    }
    let values = &config.values;
    let catalogue = match Catalogue::load(values.feeds_dir.as_deref()) {
        Ok(catalogue) => catalogue,
        Err(error) => {
            complain(&format!("error: {error}"));
            return Exit::Usage;
        }
    };
    if let Some(unknown) = arguments.names.iter().find(|name| catalogue.get(name).is_none()) {
        complain(&format!("error: there is no feed {}; `maltrail feeds` lists those there are", safe(unknown)));
        return Exit::Usage;
    }
    let (used, _) = catalogue.choose(&values.enabled_feeds, &values.disabled_feeds);
    let manifest = Manifest::read(&Place::of(&values.trails_file).manifest());
    let healths: HashMap<&str, &Health> =
        manifest.iter().flat_map(|manifest| &manifest.feeds).map(|health| (health.name.as_str(), health)).collect();
    let rows =
        catalogue.specs().iter().filter(|spec| arguments.names.is_empty() || arguments.names.contains(&spec.name));
    let rows: Vec<Row<'_>> = rows
        .map(|spec| Row {
            spec,
            used: values.use_feed_updates && used.iter().any(|used| used.name == spec.name),
            health: healths.get(spec.name.as_str()).copied(),
        })
        .collect();
    let now = Timestamp::now();
    match () {
        () if arguments.json => rows.iter().for_each(|row| print(&format!("{}\n", row.json()))),
        () if arguments.names.is_empty() => print(&table(&rows, now)),
        () => rows.iter().for_each(|row| print(&row.text(now))),
    }
    Exit::Success
}

/// One feed.
struct Row<'a> {
    spec: &'a Spec,
    used: bool,
    health: Option<&'a Health>,
}

fn table(rows: &[Row<'_>], now: Timestamp) -> String {
    let width = rows.iter().map(|row| row.spec.name.len()).max().unwrap_or_default();
    let mut out = format!("{:width$}  used  {:>9}  {:>6}  {:10}  about\n", "feed", "rows", "age", "last time");
    for row in rows {
        let used = if row.used { "yes" } else { "no" };
        let rows = row.health.map_or_else(|| "-".to_owned(), |health| health.rows.to_string());
        let _ = writeln!(
            out,
            "{:width$}  {used:4}  {rows:>9}  {:>6}  {:10}  {}",
            row.spec.name,
            row.age(now),
            row.outcome(),
            safe(&row.spec.about)
        );
    }
    out
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Fetched => "new",
        Outcome::Unchanged => "unchanged",
        Outcome::Recent => "not asked",
        Outcome::Failed => "FAILED",
        Outcome::Refused => "REFUSED",
        Outcome::Keyless => "no key",
    }
}

impl Row<'_> {
    fn outcome(&self) -> &'static str {
        match self.health {
            Some(health) if health.stale => "STALE",
            Some(health) => word(health.outcome),
            None => "-",
        }
    }

    /// Time since its content changed.
    fn age(&self, now: Timestamp) -> String {
        let Some(changed) = self.health.and_then(|health| health.changed) else { return "-".to_owned() };
        let hours = now.duration_since(changed).as_hours().max(0);
        if hours < 48 { format!("{hours} h") } else { format!("{} d", hours / 24) }
    }

    fn text(&self, now: Timestamp) -> String {
        let spec = self.spec;
        let mut out = format!("{}: {}\n", spec.name, safe(&spec.about));
        let mut line = |what: &str, text: &str| {
            if !text.is_empty() {
                let _ = writeln!(out, "  {what:9}  {}", safe(text));
            }
        };
        line("used", if self.used { "yes" } else { "no" });
        line("info", &spec.info);
        line("reference", &spec.reference);
        line("licence", &spec.licence);
        line("terms", &spec.terms);
        line("interval", &format!("{} s at least", spec.interval));
        for places in spec.files() {
            line("from", &places.join(" or "));
        }
        if let Some(auth) = &spec.auth {
            line("key", &format!("{} in the environment", auth.key));
        }
        if let Some(health) = self.health {
            line("rows", &health.rows.to_string());
            line("age", &self.age(now));
            line("last time", self.outcome());
            line("error", health.error.as_deref().unwrap_or_default());
        }
        out
    }

    fn json(&self) -> serde_json::Value {
        let spec = self.spec;
        json!({
            "name": spec.name, "about": spec.about, "used": self.used, "info": spec.info, "reference": spec.reference,
            "licence": spec.licence, "terms": spec.terms, "interval": spec.interval, "urls": spec.urls,
            "health": self.health,
        })
    }
}
