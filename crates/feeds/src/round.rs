//! One feed, once: asked if it is time, fetched if it changed, looked at, and kept or refused.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::copies::{Copy, Piece, Shelf};
use crate::fetch::{Client, FetchError, Fetched, Limits, Patience, Stop, Validators};
use crate::judge::{Past, judge};
use crate::reader::Format;
use crate::reader::misp::Listed;
use crate::setback::{Failure, Setback};
use crate::spec::{KEY, Spec};

/// Seconds by which a feed may be asked before its interval is over, so that a period of the same length does not miss it
/// each time.
const EARLY: u64 = 60;

/// What came of asking for a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It is new, or another than before.
    Fetched,
    /// It is what it was.
    Unchanged,
    /// It was asked for so short a while ago that its makers want no more.
    Recent,
    /// It could not be had.
    Failed,
    /// It is not what it should be.
    Refused,
    /// It needs a key that there is none of.
    Keyless,
}

impl Outcome {
    /// The word that it is written with.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Fetched => "fetched",
            Outcome::Unchanged => "unchanged",
            Outcome::Recent => "recent",
            Outcome::Failed => "failed",
            Outcome::Refused => "refused",
            Outcome::Keyless => "keyless",
        }
    }
}

/// How a feed is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// Which.
    pub name: String,
    /// What came of asking for it.
    pub outcome: Outcome,
    /// Why it failed or was refused.
    pub error: Option<String>,
    /// Rows of the copy that is used; 0 where there is none.
    pub rows: u64,
    /// Bytes of it.
    pub bytes: u64,
    /// When its makers were last asked with success.
    pub asked: Option<Timestamp>,
    /// When it last changed.
    pub changed: Option<Timestamp>,
    /// Whether it did not change for longer than it should.
    pub stale: bool,
    /// Times in a row that it failed or was refused.
    #[serde(default)]
    pub failures: u32,
    /// Before that it is not asked by itself.
    #[serde(default)]
    pub next: Option<Timestamp>,
}

impl Health {
    /// Whether somebody should look at it. One that wants a key which nobody set is only not used.
    #[must_use]
    pub fn ill(&self) -> bool {
        let empty = self.rows == 0 && self.outcome != Outcome::Keyless;
        self.stale || empty || matches!(self.outcome, Outcome::Failed | Outcome::Refused)
    }
}

/// What one feed is asked with.
pub struct Round<'a> {
    /// Fetches.
    pub client: &'a Client,
    /// How often it is tried.
    pub patience: Patience,
    /// Ends waiting.
    pub stop: &'a Stop,
    /// The key of a name.
    pub key: &'a (dyn Fn(&str) -> Option<String> + Sync),
    /// Now.
    pub now: Timestamp,
    /// Asked also where its makers want to be left alone.
    pub force: bool,
    /// Spreads in time when those that failed are asked again.
    pub seed: u64,
}

impl Round<'_> {
    /// Asks for a feed; its copy is on the shelf then, if there is any.
    pub fn run(&self, spec: &Spec, shelf: &Shelf) -> Health {
        let (before, setback) = (shelf.copy(), shelf.setback());
        if let Some(setback) = setback.as_ref().filter(|setback| !self.force && setback.holds(self.now)) {
            let until = setback.until().strftime("%Y-%m-%d %H:%M UTC");
            let error = format!("{}; it is left alone until {until}", setback.error);
            return health(
                spec,
                (setback.outcome, Some(error)),
                Kept { copy: before.as_ref(), setback: Some(setback) },
                self.now,
            );
        }
        if self.recent(spec, before.as_ref()) {
            return health(
                spec,
                (Outcome::Recent, None),
                Kept { copy: before.as_ref(), setback: setback.as_ref() },
                self.now,
            );
        }
        match self.fetch(spec, shelf, before.as_ref()) {
            Ok(copy) => {
                let same = before.as_ref().is_some_and(|before| before.holds(&copy.pieces));
                let outcome = if same { Outcome::Unchanged } else { Outcome::Fetched };
                health(spec, (outcome, None), Kept { copy: Some(&copy), setback: None }, self.now)
            }
            Err(failure) => {
                let said = (failure.outcome, Some(failure.error.clone()));
                // What was refused is of no use; what cannot be removed now is the next time.
                drop(shelf.tidy(before.as_ref()));
                if failure.outcome == Outcome::Keyless {
                    return health(spec, said, Kept { copy: before.as_ref(), setback: None }, self.now);
                }
                let setback = Setback::after(setback.as_ref(), failure, spec, self.now, self.seed);
                // Where it cannot be kept the feed is asked again by the next update.
                drop(shelf.set_back(&setback));
                health(spec, said, Kept { copy: before.as_ref(), setback: Some(&setback) }, self.now)
            }
        }
    }

    fn recent(&self, spec: &Spec, copy: Option<&Copy>) -> bool {
        let Some(copy) = copy else { return false };
        let age = self.now.duration_since(copy.asked);
        let rest = Duration::from_secs(spec.interval.saturating_sub(EARLY));
        !self.force && Duration::try_from(age).is_ok_and(|age| age < rest)
    }

    fn fetch(&self, spec: &Spec, shelf: &Shelf, before: Option<&Copy>) -> Result<Copy, Failure> {
        let key = match &spec.auth {
            None => None,
            Some(auth) => match (self.key)(&auth.key) {
                Some(key) => Some(key),
                None => return Err(failure(Outcome::Keyless, format!("it needs a key: set {}", auth.key))),
            },
        };
        let failed =
            |error: FetchError| Failure { outcome: Outcome::Failed, error: error.to_string(), after: error.after() };
        let mut pieces = Vec::new();
        for (number, places) in spec.files().iter().enumerate() {
            let part = number.to_string();
            let known = before.and_then(|before| before.piece(&part));
            pieces.push(self.piece(spec, shelf, Wanted { part, places, known, key: key.as_deref() }).map_err(failed)?);
        }
        if let (Format::Misp(misp), Some(manifest)) = (&spec.read, pieces.first()) {
            let most = spec.guard.max_bytes;
            let listed =
                shelf.read(manifest, most).and_then(|mut body| misp.manifest(self.now.as_second(), &mut *body));
            let listed =
                listed.map_err(|error| failure(Outcome::Refused, format!("its manifest cannot be read: {error}")))?;
            let events = Events { listed: &listed.events, beside: &manifest.url.clone(), before };
            pieces.extend(self.events(spec, shelf, &events, key.as_deref()).map_err(failed)?);
        }
        let rows = before.map_or(0, |before| before.rows);
        let copy = match before {
            Some(before) if before.holds(&pieces) => Copy { asked: self.now, pieces, ..before.clone() },
            _ => {
                let content = judge(spec, shelf, &pieces, Past { rows, now: self.now });
                let content = content.map_err(|refusal| failure(Outcome::Refused, refusal.to_string()))?;
                Copy { asked: self.now, changed: changed(&pieces, self.now), pieces, rows: content.rows }
            }
        };
        shelf.keep(&copy).map_err(|error| failed(FetchError::Write(error)))?;
        Ok(copy)
    }

    /// The events that a manifest lists. One that is here is asked for again only when the manifest says that it changed;
    /// a few may be missing, as they come and go.
    fn events(
        &self,
        spec: &Spec,
        shelf: &Shelf,
        events: &Events<'_>,
        key: Option<&str>,
    ) -> Result<Vec<Piece>, FetchError> {
        let beside = events.beside.rsplit_once('/').map_or("", |(directory, _)| directory);
        let mut pieces = Vec::new();
        let mut missing = 0;
        for event in events.listed {
            let part = format!("{}@{}", event.name, event.changed);
            if let Some(known) = events.before.and_then(|before| before.piece(&part)) {
                pieces.push(known.clone());
                continue;
            }
            let places = [format!("{beside}/{}", event.name)];
            match self.piece(spec, shelf, Wanted { part, places: &places, known: None, key }) {
                Ok(piece) => pieces.push(piece),
                Err(_) if missing < events.listed.len() / MISSING => missing += 1,
                Err(error) => return Err(error),
            }
        }
        Ok(pieces)
    }

    /// One file of a feed, from the first place that has it.
    fn piece(&self, spec: &Spec, shelf: &Shelf, wanted: Wanted<'_>) -> Result<Piece, FetchError> {
        let mut last = FetchError::Transport("no place to fetch from".into());
        for place in wanted.places {
            match self.patiently(spec, shelf, &wanted, place) {
                Ok(piece) => return Ok(piece),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn patiently(&self, spec: &Spec, shelf: &Shelf, wanted: &Wanted<'_>, place: &str) -> Result<Piece, FetchError> {
        for attempt in 1.. {
            let error = match self.once(spec, shelf, wanted, place) {
                Ok(piece) => return Ok(piece),
                Err(error) => error,
            };
            match self.patience.after(attempt, &error) {
                Some(time) if !self.stop.wait(time) => {}
                _ => return Err(error),
            }
        }
        Err(FetchError::Transport("not tried".into()))
    }

    fn once(&self, spec: &Spec, shelf: &Shelf, wanted: &Wanted<'_>, place: &str) -> Result<Piece, FetchError> {
        let known = wanted.known.filter(|known| known.url == place);
        let header = spec.auth.as_ref().and_then(|auth| auth.header.as_deref()).zip(wanted.key);
        let url = place.replace(KEY, wanted.key.unwrap_or_default());
        let limits = Limits { bytes: spec.guard.max_bytes, patience: Duration::from_secs(spec.patience) };
        let mut draft = shelf.draft().map_err(FetchError::Write)?;
        let validators = known.map(|known| known.validators.clone()).unwrap_or_default();
        match self.client.get(&url, header, &validators, limits, &mut draft)? {
            Fetched::Unchanged => {
                known.cloned().ok_or_else(|| FetchError::Transport("unchanged, but nothing is here".into()))
            }
            Fetched::Body { validators, .. } => {
                draft.keep(wanted.part.clone(), place.to_owned(), validators).map_err(FetchError::Write)
            }
        }
    }
}

fn failure(outcome: Outcome, error: String) -> Failure {
    Failure { outcome, error, after: None }
}

/// One in so many events that a manifest lists may be missing.
const MISSING: usize = 10;

/// What a manifest lists.
struct Events<'a> {
    listed: &'a [Listed],
    /// Where the manifest came from: events lie beside it.
    beside: &'a str,
    before: Option<&'a Copy>,
}

/// One file of a feed.
struct Wanted<'a> {
    part: String,
    places: &'a [String],
    known: Option<&'a Piece>,
    key: Option<&'a str>,
}

/// When its makers say that a copy was changed, if they say so of all files; else now.
fn changed(pieces: &[Piece], now: Timestamp) -> Timestamp {
    let of = |piece: &Piece| {
        let Validators { last_modified, .. } = &piece.validators;
        let time = jiff::fmt::rfc2822::parse(last_modified.as_deref()?).ok()?.timestamp();
        Some(time.min(now))
    };
    let times: Option<Vec<Timestamp>> = pieces.iter().map(of).collect();
    times.and_then(|times| times.into_iter().max()).unwrap_or(now)
}

/// What is on the shelf of a feed.
#[derive(Clone, Copy)]
pub struct Kept<'a> {
    /// Its last good copy.
    pub copy: Option<&'a Copy>,
    /// That it failed since.
    pub setback: Option<&'a Setback>,
}

/// How a feed is, by its copy and by its failures since. `said`: what came of asking for it, and why it failed.
pub fn health(spec: &Spec, said: (Outcome, Option<String>), kept: Kept<'_>, now: Timestamp) -> Health {
    let ((outcome, error), Kept { copy, setback }) = (said, kept);
    let limit = Duration::from_secs(u64::from(spec.guard.max_age_days) * 86_400);
    let old = |copy: &Copy| Duration::try_from(now.duration_since(copy.changed)).is_ok_and(|age| age > limit);
    let rest = |copy: &Copy| copy.asked.saturating_add(Duration::from_secs(spec.interval)).unwrap_or(Timestamp::MAX);
    Health {
        name: spec.name.clone(),
        outcome,
        error,
        rows: copy.map_or(0, |copy| copy.rows),
        bytes: copy.map_or(0, Copy::bytes),
        asked: copy.map(|copy| copy.asked),
        changed: copy.map(|copy| copy.changed),
        stale: copy.is_some_and(old),
        failures: setback.map_or(0, |setback| setback.failures),
        next: setback.map(Setback::until).or(copy.map(rest)).filter(|_| outcome != Outcome::Keyless),
    }
}
