//! One feed, once: asked if it is time, fetched if it changed, looked at, and kept or refused.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::copies::{Copy, Piece, Shelf};
use crate::fetch::{Client, FetchError, Fetched, Limits, Patience, Stop, Validators};
use crate::judge::{Past, judge};
use crate::reader::Format;
use crate::reader::misp::Listed;
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
}

impl Round<'_> {
    /// Asks for a feed; its copy is on the shelf then, if there is any.
    pub fn run(&self, spec: &Spec, shelf: &Shelf) -> Health {
        let before = shelf.copy();
        let (outcome, error, copy) = if self.recent(spec, before.as_ref()) {
            (Outcome::Recent, None, before)
        } else {
            match self.fetch(spec, shelf, before.as_ref()) {
                Ok(copy) => {
                    let same = before.as_ref().is_some_and(|before| before.holds(&copy.pieces));
                    (if same { Outcome::Unchanged } else { Outcome::Fetched }, None, Some(copy))
                }
                Err((outcome, error)) => {
                    // What was refused is of no use; what cannot be removed now is the next time.
                    drop(shelf.tidy(before.as_ref()));
                    (outcome, Some(error), before)
                }
            }
        };
        health(spec, outcome, error, copy.as_ref(), self.now)
    }

    fn recent(&self, spec: &Spec, copy: Option<&Copy>) -> bool {
        let Some(copy) = copy else { return false };
        let age = self.now.duration_since(copy.asked);
        let rest = Duration::from_secs(spec.interval.saturating_sub(EARLY));
        !self.force && Duration::try_from(age).is_ok_and(|age| age < rest)
    }

    fn fetch(&self, spec: &Spec, shelf: &Shelf, before: Option<&Copy>) -> Result<Copy, (Outcome, String)> {
        let key = match &spec.auth {
            None => None,
            Some(auth) => match (self.key)(&auth.key) {
                Some(key) => Some(key),
                None => return Err((Outcome::Keyless, format!("it needs a key: set {}", auth.key))),
            },
        };
        let failed = |error: FetchError| (Outcome::Failed, error.to_string());
        let write = |error: std::io::Error| (Outcome::Failed, FetchError::Write(error).to_string());
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
            let listed = listed.map_err(|error| (Outcome::Refused, format!("its manifest cannot be read: {error}")))?;
            let events = Events { listed: &listed.events, beside: &manifest.url.clone(), before };
            pieces.extend(self.events(spec, shelf, &events, key.as_deref()).map_err(failed)?);
        }
        let rows = before.map_or(0, |before| before.rows);
        let copy = match before {
            Some(before) if before.holds(&pieces) => Copy { asked: self.now, pieces, ..before.clone() },
            _ => {
                let content = judge(spec, shelf, &pieces, Past { rows, now: self.now });
                let content = content.map_err(|refusal| (Outcome::Refused, refusal.to_string()))?;
                Copy { asked: self.now, changed: changed(&pieces, self.now), pieces, rows: content.rows }
            }
        };
        shelf.keep(&copy).map_err(write)?;
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
        let limits = Limits { bytes: spec.guard.max_bytes };
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

/// How a feed is, by its copy.
pub fn health(spec: &Spec, outcome: Outcome, error: Option<String>, copy: Option<&Copy>, now: Timestamp) -> Health {
    let limit = Duration::from_secs(u64::from(spec.guard.max_age_days) * 86_400);
    let old = |copy: &Copy| Duration::try_from(now.duration_since(copy.changed)).is_ok_and(|age| age > limit);
    Health {
        name: spec.name.clone(),
        outcome,
        error,
        rows: copy.map_or(0, |copy| copy.rows),
        bytes: copy.map_or(0, Copy::bytes),
        asked: copy.map(|copy| copy.asked),
        changed: copy.map(|copy| copy.changed),
        stale: copy.is_some_and(old),
    }
}
