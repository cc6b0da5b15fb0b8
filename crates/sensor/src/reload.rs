//! The trails in use: loaded at the start, swapped while running.
//!
//! A newer set is built by a child process where the composition names one, so that this process never holds two
//! builds in memory; it is opened (mapped) beside the old one and taken by each worker between two packets.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Instant, SystemTime};

use trails::builder::Cause;
use trails::load::{current, load, load_or_build};
use trails::store::{Mapped, Store};

use crate::SensorError;
use crate::hooks::{Control, Level, MessageHook};
use crate::settings::Settings;

/// One set of trails for all workers. The old one goes when the last worker lets go of it.
pub(crate) struct Trails {
    store: Mutex<Arc<Store<Mapped>>>,
    generation: AtomicU64,
    refused: AtomicU64,
    refused_lines: AtomicU64,
    loaded: Mutex<Instant>,
}

/// A set, and what was refused where it was built for that.
struct Loaded {
    store: Store<Mapped>,
    refused: Vec<Cause>,
}

/// Lines of one cause whose places are said.
const EXAMPLES: usize = 3;
/// Causes that a child may tell at most; there are fewer.
const MAX_CAUSES: usize = 32;

impl Trails {
    pub(crate) fn new(store: Arc<Store<Mapped>>) -> Self {
        Trails {
            store: Mutex::new(store),
            generation: AtomicU64::new(1),
            refused: AtomicU64::new(0),
            refused_lines: AtomicU64::new(0),
            loaded: Mutex::new(Instant::now()),
        }
    }

    /// Number of the set in use, from 1.
    #[inline]
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Reloads that failed or were refused.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Lines that were refused when this process last had a set built and took it.
    pub(crate) fn refused_lines(&self) -> u64 {
        self.refused_lines.load(Ordering::Relaxed)
    }

    /// Seconds since the set in use was loaded.
    pub(crate) fn age_seconds(&self) -> u64 {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).elapsed().as_secs()
    }

    /// The set in use.
    pub(crate) fn store(&self) -> Arc<Store<Mapped>> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The set in use if it is another than that of `generation`, which becomes its number.
    #[inline]
    pub(crate) fn newer(&self, generation: &mut u64) -> Option<Arc<Store<Mapped>>> {
        let now = self.generation();
        if now == *generation {
            return None;
        }
        *generation = now;
        Some(self.store())
    }

    fn swap(&self, store: Store<Mapped>) {
        *self.store.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(store);
        *self.loaded.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.generation.fetch_add(1, Ordering::AcqRel);
    }
}

/// Loads the set of the start.
///
/// # Errors
/// It cannot be loaded, or is empty and may not be.
pub(crate) fn first(settings: &Settings) -> Result<Store<Mapped>, SensorError> {
    let store = load(&settings.trails_file, &settings.cache_dir)?;
    if store.is_empty() && !settings.allow_empty_trails {
        return Err(SensorError::NoTrails { path: settings.trails_file.clone() });
    }
    Ok(store)
}

/// What tells one version of a file from another.
type Stamp = Option<(SystemTime, u64, u64)>;

fn stamp(file: &Path) -> Stamp {
    let metadata = fs::metadata(file).ok()?;
    Some((metadata.modified().ok()?, metadata.ino(), metadata.len()))
}

/// Where a newer set comes from, and which are not taken.
pub(crate) struct Rules {
    file: PathBuf,
    cache_dir: PathBuf,
    build: Option<Vec<OsString>>,
    allow_empty: bool,
    min_ratio: f64,
}

impl From<&Settings> for Rules {
    fn from(settings: &Settings) -> Self {
        Rules {
            file: settings.trails_file.clone(),
            cache_dir: settings.cache_dir.clone(),
            build: settings.build_command.clone(),
            allow_empty: settings.allow_empty_trails,
            min_ratio: settings.reload_min_ratio,
        }
    }
}

impl Rules {
    /// The plainest.
    #[cfg(test)]
    pub(crate) fn plain(file: &Path, cache_dir: &Path) -> Self {
        Rules { file: file.into(), cache_dir: cache_dir.into(), build: None, allow_empty: false, min_ratio: 0.5 }
    }
}

/// Watches the trails file and requests, and swaps sets.
pub(crate) struct Reloader {
    rules: Rules,
    trails: Arc<Trails>,
    control: Control,
    message: MessageHook,
    /// Version that the set in use (or the last attempt) was made of.
    taken: Stamp,
    /// Version at the last look: one that is still being written changes between two looks.
    seen: Stamp,
    requests: u64,
    job: Option<JoinHandle<Result<Loaded, String>>>,
}

impl Reloader {
    pub(crate) fn new(rules: Rules, trails: Arc<Trails>, control: Control, message: MessageHook) -> Self {
        let taken = stamp(&rules.file);
        Reloader { rules, trails, control, message, taken, seen: taken, requests: 0, job: None }
    }

    /// Looks whether there is something to do. Never waits for a set that is being loaded.
    pub(crate) fn look(&mut self) {
        if self.job.as_ref().is_some_and(JoinHandle::is_finished) {
            self.finish();
        }
        let stamp = stamp(&self.rules.file);
        let settled = stamp == self.seen;
        self.seen = stamp;
        let requests = self.control.reloads();
        let asked = requests != self.requests;
        let changed = settled && stamp.is_some() && stamp != self.taken;
        if self.job.is_none() && (asked || changed) {
            self.requests = requests;
            self.taken = stamp;
            self.start();
        }
    }

    /// Loads at once if that was asked for, and waits for it.
    pub(crate) fn now_if_asked(&mut self) {
        self.finish();
        self.look();
        self.finish();
    }

    fn finish(&mut self) {
        if let Some(job) = self.job.take() {
            let loaded = job.join().unwrap_or_else(|_| Err("loading it failed in this program".into()));
            self.judge(loaded);
        }
    }

    fn start(&mut self) {
        let Rules { file, cache_dir, build, .. } = &self.rules;
        let (file, cache_dir, build) = (file.clone(), cache_dir.clone(), build.clone());
        let work = move || {
            if let Some(command) = build {
                if let Ok(Some(store)) = current(&file, &cache_dir) {
                    return Ok(Loaded { store, refused: Vec::new() });
                }
                let refused = run(&command)?;
                return load(&file, &cache_dir).map_err(|e| e.to_string()).map(|store| Loaded { store, refused });
            }
            let (store, report) = load_or_build(&file, &cache_dir).map_err(|e| e.to_string())?;
            let refused = report.map(|report| report.causes(EXAMPLES)).unwrap_or_default();
            Ok(Loaded { store, refused })
        };
        match std::thread::Builder::new().name("reload".into()).spawn(work) {
            Ok(job) => self.job = Some(job),
            Err(e) => self.refuse(&e.to_string()),
        }
    }

    fn judge(&mut self, loaded: Result<Loaded, String>) {
        let old = self.trails.store().len();
        let refused = loaded.as_ref().map(|loaded| loaded.refused.clone()).unwrap_or_default();
        let lines = self.say_refused(&refused);
        let loaded = loaded.map(|loaded| loaded.store);
        match loaded {
            Err(e) => self.refuse(&e),
            Ok(store) if store.is_empty() && !self.rules.allow_empty => self.refuse("it is empty"),
            Ok(store) if (store.len() as f64) < old as f64 * self.rules.min_ratio => {
                let text = format!(
                    "it has {} trails where there were {old}; a TRAIL_RELOAD_MIN_RATIO below {} would allow that",
                    store.len(),
                    self.rules.min_ratio
                );
                self.refuse(&text);
            }
            Ok(store) => {
                let count = store.len();
                self.trails.swap(store);
                self.trails.refused_lines.store(lines, Ordering::Relaxed);
                (self.message)(Level::Info, &format!("{count} trails in use now, {old} before"));
            }
        }
    }

    /// Says which lines are no trails, and how many they are.
    fn say_refused(&self, refused: &[Cause]) -> u64 {
        let lines = refused.iter().map(|cause| cause.lines).fold(0, u64::saturating_add);
        if lines > 0 {
            let causes: Vec<String> = refused.iter().map(|cause| format!("{} {}", cause.lines, cause.text)).collect();
            let file = self.rules.file.display();
            let text = format!("{lines} lines of {file} are no trails and were left out: {}", causes.join("; "));
            (self.message)(Level::Warning, &text);
        }
        lines
    }

    fn refuse(&self, why: &str) {
        self.trails.refused.fetch_add(1, Ordering::Relaxed);
        let text = format!("trails of {} are not taken, the old ones stay in use: {why}", self.rules.file.display());
        (self.message)(Level::Error, &text);
    }
}

/// Has a child build the store; what was refused stands in its standard output, a cause a line: number, blank, text.
fn run(command: &[OsString]) -> Result<Vec<Cause>, String> {
    let Some((program, arguments)) = command.split_first() else { return Ok(Vec::new()) };
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().map_err(|e| e.to_string())?;
    if output.status.success() {
        let cause = |line: &str| {
            let (lines, text) = line.split_once(' ')?;
            Some(Cause { lines: lines.parse().ok()?, text: text.to_owned() })
        };
        return Ok(String::from_utf8_lossy(&output.stdout).lines().filter_map(cause).take(MAX_CAUSES).collect());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("building the store failed ({}): {}", output.status, said.trim()))
}

#[cfg(test)]
mod tests;
