//! Updates against a server on loopback that fails in every way there is.

#![allow(clippy::unwrap_used)] // helpers of tests may stop the test
#![allow(clippy::indexing_slicing)] // as may a wrong index

mod generations;
mod guards;
mod requests;

use std::path::PathBuf;
use std::time::Duration;

use feeds::Spec;
use feeds::fetch::{Client, ClientSettings, Patience, Stop};
use feeds::gather::Rules;
use feeds::publish::Place;
use feeds::round::Health;
use feeds::update::{Plan, UpdateError, Updated, update};
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use testkit::web::{Shown, Web};
use trails::{Indicator, Store, Vetoes};

/// A user with a directory, and a time that passes only when told.
struct User {
    directory: TempDir,
    now: Timestamp,
    /// Between two updates.
    step: SignedDuration,
    plan: Plan,
    keys: Vec<(String, String)>,
}

impl User {
    fn new(feeds: Vec<Spec>) -> User {
        User::trusting(feeds, None)
    }

    fn trusting(feeds: Vec<Spec>, certificate: Option<Shown>) -> User {
        let directory = tempfile::tempdir().unwrap();
        let settings = ClientSettings {
            whole: Duration::from_secs(2),
            authorities: certificate.into_iter().map(|shown| shown.der).collect(),
            ..ClientSettings::default()
        };
        let place = Place::of(&directory.path().join("trails.bin"));
        let plan = Plan {
            feeds,
            statics: Vec::new(),
            custom: Vec::new(),
            copies: place.copies(),
            place,
            rules: Rules { minimum: 3, unwanted: None },
            vetoes: Vetoes { bogons: true, ..Vetoes::default() },
            min_ratio: Some(0.5),
            client: Some(Client::new(&settings).unwrap()),
            patience: Patience { attempts: 2, first: Duration::ZERO, longest: Duration::ZERO },
            force: false,
            only_news: false,
            seed: 1,
        };
        User {
            directory,
            now: "2026-01-02T03:04:05Z".parse().unwrap(),
            step: SignedDuration::from_hours(24),
            plan,
            keys: Vec::new(),
        }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// An update, a day after the one before where nothing else is said.
    fn update(&mut self) -> Result<Updated, UpdateError> {
        self.now += self.step;
        let key = |name: &str| self.keys.iter().find(|(known, _)| known == name).map(|(_, key)| key.clone());
        update(&self.plan, &key, &Stop::default(), self.now, &mut |_| {})
    }

    /// The same, and how its only feed is then.
    fn health(&mut self) -> Health {
        self.update().map(|updated| updated.manifest.feeds[0].clone()).unwrap()
    }

    /// The label of a trail of the store.
    fn label(&self, text: &str) -> Option<(String, String)> {
        let store = Store::open(&self.plan.place.store).unwrap();
        let mut scratch = String::new();
        let indicator = Indicator::parse(text, &mut scratch).unwrap();
        let (_, label) = store.trails().find(|(known, _)| *known == indicator)?;
        let label = store.label(label);
        Some((label.info.to_owned(), label.reference.to_owned()))
    }
}

/// A list of names.
fn names(name: &str, web: &Web) -> Spec {
    spec(name, &web.url(&format!("/{name}")), "kinds = [\"name\"]")
}

fn spec(name: &str, url: &str, more: &str) -> Spec {
    let text = format!(
        "about = \"{name}\"\nurls = [\"{url}\"]\ninfo = \"{name} (malware)\"\nreference = \"{name}.example\"\n\
         licence = \"CC0-1.0\"\npatience = 1\n{more}\n[read]\nformat = \"lines\"\n"
    );
    Spec::parse(name, &text).unwrap()
}

/// A body of so many names.
fn body(count: usize) -> Vec<u8> {
    (0..count).map(|number| format!("n{number}.evil.org\n")).collect::<String>().into_bytes()
}
