//! An update, from asking the feeds to a published generation.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use trails::read::{self, Origin, Progress, ReadError};
use trails::{Builder, Kind, Report, Stamp, Vetoes};

use crate::copies::Shelf;
use crate::fetch::{Client, Patience, Stop};
use crate::gather::{Rules, attackers, popular, specific, used};
use crate::inert::Inert;
use crate::manifest::{Change, Manifest};
use crate::publish::{Place, PublishError, Wanted, publish, retell};
use crate::round::{Health, Kept, Outcome, Round, health};
use crate::spec::Spec;

/// Feeds that are fetched at a time.
const AT_A_TIME: usize = 8;
/// The file in the directory of copies that one update at a time holds.
const LOCK: &str = "lock";

/// What an update is made of.
pub struct Plan {
    /// The feeds that are asked, the user's own lists from the web among them.
    pub feeds: Vec<Spec>,
    /// STATIC_TRAILS_DIR and the like: directories, files.
    pub statics: Vec<PathBuf>,
    /// CUSTOM_TRAILS_DIR and the like.
    pub custom: Vec<PathBuf>,
    /// Where the last good copies lie: [`Place::copies`] of the trails in use.
    pub copies: PathBuf,
    /// Where the generation goes.
    pub place: Place,
    /// What applies to all feeds.
    pub rules: Rules,
    /// What becomes no trail.
    pub vetoes: Vetoes,
    /// TRAIL_RELOAD_MIN_RATIO; none: whatever is there is published.
    pub min_ratio: Option<f64>,
    /// Fetches; none: the last good copies are used as they are.
    pub client: Option<Client>,
    /// How often a feed is tried.
    pub patience: Patience,
    /// Asked also where its makers want to be left alone for a while.
    pub force: bool,
    /// Only what is new is published: where all feeds are what the generation that is there was made of, it stays.
    pub only_news: bool,
    /// Another number for each update: spreads in time when feeds that failed are asked again.
    pub seed: u64,
}

impl Plan {
    /// Where the copies of each feed lie.
    pub(crate) fn shelves(&self) -> Vec<Shelf> {
        self.feeds.iter().map(|spec| Shelf::of(&self.copies, &spec.name)).collect()
    }

    /// Trees and lists on disk; those of the user last, so that they win.
    pub(crate) fn lists(&self) -> impl Iterator<Item = (&PathBuf, Origin<'static>)> {
        let statics = self.statics.iter().map(|path| (path, Origin { reference: "(static)", custom: false }));
        statics.chain(self.custom.iter().map(|path| (path, Origin { reference: "(custom)", custom: true })))
    }
}

/// What an update tells while it runs.
#[derive(Debug)]
pub enum Step<'a> {
    /// So many feeds are to be asked.
    Feeds(usize),
    /// A feed was asked.
    Feed(&'a Health),
    /// A directory or file is read.
    Reading(&'a Path, Progress),
    /// The generation is written.
    Writing,
}

/// Why there is no new generation.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// The directory of copies.
    #[error("cannot use {path} for the last good copies of feeds: {source}; give this user the right to write there")]
    Copies {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another update runs.
    #[error("another update is running (it holds {0}); wait until it is done")]
    Busy(PathBuf),
    /// A tree or list.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A copy.
    #[error("cannot read the copy of a feed: {0}")]
    Copy(io::Error),
    /// It was told to stop.
    #[error("stopped; the trails were left as they are")]
    Stopped,
    /// The generation.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

/// A published generation.
pub struct Updated {
    /// What it was made of.
    pub manifest: Manifest,
    /// What became of the lines; none where the generation that was there stays.
    pub report: Option<Report>,
}

/// Runs an update.
///
/// # Errors
/// The generation that was there stays.
pub fn update(
    plan: &Plan,
    key: &(dyn Fn(&str) -> Option<String> + Sync),
    stop: &Stop,
    now: Timestamp,
    tell: &mut dyn FnMut(Step<'_>),
) -> Result<Updated, UpdateError> {
    let failed = |source| UpdateError::Copies { path: plan.copies.clone(), source };
    fs::create_dir_all(&plan.copies).map_err(failed)?;
    let _lock = lock(&plan.copies)?;
    let shelves = plan.shelves();
    shelves.iter().try_for_each(Shelf::make).map_err(failed)?;
    tell(Step::Feeds(plan.feeds.len()));
    let feeds = match &plan.client {
        Some(client) => {
            let patience = plan.patience;
            ask(plan, &shelves, &Round { client, patience, stop, key, now, force: plan.force, seed: plan.seed }, tell)
        }
        None => plan.feeds.iter().zip(&shelves).map(|(spec, shelf)| kept(spec, shelf, now)).collect(),
    };
    if stop.stopped() {
        return Err(UpdateError::Stopped);
    }
    if let Some(manifest) = unchanged(plan, &feeds) {
        retell(&plan.place, &manifest)?;
        return Ok(Updated { manifest, report: None });
    }
    let used = used(plan, &shelves);
    let vetoes = Vetoes { popular: popular(&used).map_err(UpdateError::Copy)?, ..plan.vetoes.clone() };
    let mut builder = Builder::new(vetoes);
    specific(&mut builder, &used, &plan.rules).map_err(UpdateError::Copy)?;
    for (path, origin) in plan.lists() {
        read::add(&mut builder, path, origin, &mut |progress| tell(Step::Reading(path, progress)))?;
    }
    attackers(&mut builder, &used, &plan.rules).map_err(UpdateError::Copy)?;
    tell(Step::Writing);
    let before = Manifest::read(&plan.place.manifest()).map_or(0, |manifest| manifest.generation);
    let built_at = u64::try_from(now.as_second()).unwrap_or_default();
    let generation = built_at.max(before + 1);
    let mut told = Report::default();
    let mut manifest = |report: &Report, change: Option<Change>| {
        told = report.clone();
        manifest_of(plan, generation, now, &feeds, report, change)
    };
    let wanted = Wanted {
        stamp: Stamp { generation, built_at, ..Stamp::default() },
        min_ratio: plan.min_ratio,
        manifest: &mut manifest,
    };
    let manifest = publish(builder, &plan.place, wanted)?;
    Ok(Updated { manifest, report: Some(told) })
}

/// Where only news are published: the manifest of the generation that is there, with how the feeds are now, if they are
/// what it was made of.
fn unchanged(plan: &Plan, feeds: &[Health]) -> Option<Manifest> {
    let manifest = Manifest::read(&plan.place.manifest()).filter(|_| plan.only_news && plan.place.store.exists())?;
    let content = |health: &Health| (health.name.clone(), health.rows, health.bytes, health.changed);
    let same = manifest.feeds.iter().map(content).eq(feeds.iter().map(content));
    same.then(|| Manifest { feeds: feeds.to_vec(), ..manifest })
}

fn lock(copies: &Path) -> Result<File, UpdateError> {
    let path = copies.join(LOCK);
    let file = File::create(&path).map_err(|source| UpdateError::Copies { path: path.clone(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(UpdateError::Busy(path)),
        Err(TryLockError::Error(source)) => Err(UpdateError::Copies { path, source }),
    }
}

/// How a feed is that is not asked.
fn kept(spec: &Spec, shelf: &Shelf, now: Timestamp) -> Health {
    let (copy, setback) = (shelf.copy(), shelf.setback());
    health(spec, (Outcome::Recent, None), Kept { copy: copy.as_ref(), setback: setback.as_ref() }, now)
}

/// Asks all feeds, several at a time; gives how they are, in their order.
fn ask(plan: &Plan, shelves: &[Shelf], round: &Round<'_>, tell: &mut dyn FnMut(Step<'_>)) -> Vec<Health> {
    let queue: Mutex<VecDeque<(usize, &Spec, &Shelf)>> =
        Mutex::new(plan.feeds.iter().zip(shelves).enumerate().map(|(at, (spec, shelf))| (at, spec, shelf)).collect());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let (sender, answers) = mpsc::channel();
    let mut healths: BTreeMap<usize, Health> = BTreeMap::new();
    std::thread::scope(|threads| {
        for _ in 0..AT_A_TIME.min(plan.feeds.len()) {
            let sender = sender.clone();
            threads.spawn(move || {
                while let Some((at, spec, shelf)) = next() {
                    let health =
                        if round.stop.stopped() { kept(spec, shelf, round.now) } else { round.run(spec, shelf) };
                    if sender.send((at, health)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        for (at, health) in answers {
            tell(Step::Feed(&health));
            healths.insert(at, health);
        }
    });
    healths.into_values().collect()
}

fn manifest_of(
    plan: &Plan,
    generation: u64,
    now: Timestamp,
    feeds: &[Health],
    report: &Report,
    change: Option<Change>,
) -> Manifest {
    let kinds = Kind::ALL.iter().zip(report.counts).filter(|(_, count)| *count > 0);
    Manifest {
        generation,
        built: now,
        trails: report.counts.iter().sum(),
        kinds: kinds.map(|(kind, count)| (kind.as_str().to_owned(), count)).collect(),
        feeds: feeds.to_vec(),
        sources: plan.lists().map(|(path, _)| path.display().to_string()).collect(),
        refused: report.refused.iter().map(|(why, count)| (why.to_string(), *count)).collect(),
        left_out: report.vetoed.iter().map(|(veto, count)| (veto.to_string(), *count)).collect(),
        change,
        inert: Inert::default(),
        held: false,
    }
}
