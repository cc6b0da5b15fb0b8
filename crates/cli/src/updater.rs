//! Updates of the trails that come by themselves, every UPDATE_PERIOD, in a child process: its memory and its troubles are
//! not those of a sensor. Running sensors take the new generation when they see it.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use feeds::fetch::Stop;
use feeds::manifest::Manifest;
use feeds::publish::Place;
use rustix::process::{Pid, Signal, kill_process};
use sensor::{Level, MessageHook};
use trails::{Builder, Stamp, Store, Vetoes};

use crate::commands::build;
use crate::config::{Config, Origin};
use crate::exit::Exit;

/// After an update that failed the next one comes so much later, or a period later where that is less.
const AFTER_FAILURE: Duration = Duration::from_secs(15 * 60);

/// What the updates of a process need to know.
#[derive(Clone, Debug)]
pub(crate) struct Updates {
    config: Option<PathBuf>,
    trails_file: PathBuf,
    period: Duration,
    /// UPDATE_MIN_PERIOD, or the period where that is less.
    least: Duration,
}

impl Updates {
    /// As configured; none where they are off. A set that is named by an argument, or that no update made, is somebody's
    /// own: it is left as it is.
    pub(crate) fn of(config: &Config, offline: bool) -> Option<Updates> {
        let values = &config.values;
        let off = offline || values.disable_trail_updates || *config.origin("TRAILS_FILE") == Origin::Argument;
        let any = values.use_feed_updates || values.update_server.is_some() || values.custom_trails_url.is_some();
        let updates = Updates {
            config: config.file.clone(),
            trails_file: values.trails_file.clone(),
            period: Duration::from_secs(values.update_period.0),
            least: Duration::from_secs(values.update_min_period.0.min(values.update_period.0)),
        };
        if off || !any {
            return None;
        }
        let own = !updates.is_empty() && Manifest::read(&Place::of(&updates.trails_file).manifest()).is_none();
        if own {
            tracing::info!(
                "{} was not made by an update and is left as it is; `maltrail update` replaces it, and from then on it is \
                 updated by itself",
                updates.trails_file.display()
            );
        }
        (!own).then_some(updates)
    }

    /// Whether there is no trail at all.
    pub(crate) fn is_empty(&self) -> bool {
        let place = Place::of(&self.trails_file);
        // A CSV may have its store elsewhere.
        let no_rows = |csv: &PathBuf| fs::metadata(csv).map_or(0, |metadata| metadata.len()) == 0;
        Store::open(&place.store).map_or(0, |store| store.len()) == 0 && place.csv.as_ref().is_none_or(no_rows)
    }

    /// Where there is no set of trails at all an empty one is made, so that a sensor begins with what needs none.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn begin(&self) -> io::Result<()> {
        let place = Place::of(&self.trails_file);
        if self.trails_file.exists() {
            return Ok(());
        }
        if let Some(directory) = self.trails_file.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            fs::create_dir_all(directory)?;
        }
        if let Some(csv) = &place.csv {
            fs::write(csv, "")?;
        } else {
            let empty = Builder::new(Vetoes::default()).finish(Cursor::new(Vec::new()), Stamp::default())?;
            fs::write(&place.store, empty.0.into_inner())?;
        }
        Ok(())
    }

    /// How long until the next one is due: at once where there is no trail, or where the set is older than a period;
    /// before that when a feed may be asked again. A set that was put back by hand stays.
    fn due(&self, now: SystemTime) -> Duration {
        let manifest_file = Place::of(&self.trails_file).manifest();
        let manifest = Manifest::read(&manifest_file);
        if manifest.as_ref().is_some_and(|manifest| manifest.held) {
            return self.period;
        }
        if self.is_empty() {
            return Duration::ZERO;
        }
        let written = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
        let since =
            |then: Option<SystemTime>| then.map_or(Duration::MAX, |then| now.duration_since(then).unwrap_or_default());
        let built = manifest.as_ref().map(|manifest| SystemTime::from(manifest.built));
        let whole = self.period.saturating_sub(since(built.max(written(&self.trails_file))));
        let feeds = manifest.iter().flat_map(|manifest| &manifest.feeds);
        let Some(next) = feeds.filter_map(|health| health.next).min() else { return whole };
        let next = SystemTime::from(next).duration_since(now).unwrap_or_default();
        whole.min(next.max(self.least.saturating_sub(since(written(&manifest_file)))))
    }

    fn command(&self) -> io::Result<Command> {
        let mut command = Command::new(build::program()?);
        let output: [OsString; 2] = ["--output".into(), self.trails_file.clone().into()];
        command.args(["update", "--automatic", "--quiet"]).args(output);
        if let Some(config) = &self.config {
            command.arg("--config").arg(config);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        Ok(command)
    }

    /// Begins to update.
    ///
    /// # Errors
    /// There is no thread for it.
    pub(crate) fn start(self, message: MessageHook) -> io::Result<Updater> {
        let stop = Stop::default();
        let child = Arc::new(Mutex::new(None));
        let worker = Worker { updates: self, stop: stop.clone(), child: child.clone(), message };
        let thread = std::thread::Builder::new().name("updates".into()).spawn(move || worker.run())?;
        Ok(Updater { stop, child, thread })
    }
}

/// Updates that run.
pub(crate) struct Updater {
    stop: Stop,
    child: Arc<Mutex<Option<Pid>>>,
    thread: JoinHandle<()>,
}

impl Updater {
    /// Ends them; one that is under way leaves the trails as they are.
    pub(crate) fn stop(self) {
        self.stop.stop();
        if let Some(child) = *self.child.lock().unwrap_or_else(PoisonError::into_inner) {
            // It may have ended by itself.
            let _ = kill_process(child, Signal::TERM);
        }
        // Its panic was told when it happened.
        let _ = self.thread.join();
    }
}

struct Worker {
    updates: Updates,
    stop: Stop,
    /// Only the process that is not waited for yet: its number is nobody else's.
    child: Arc<Mutex<Option<Pid>>>,
    message: MessageHook,
}

impl Worker {
    fn run(self) {
        let mut wait = self.updates.due(SystemTime::now());
        while !self.stop.wait(wait) {
            // Another process may have updated the same trails meanwhile.
            wait = self.updates.due(SystemTime::now());
            if !wait.is_zero() {
                continue;
            }
            wait = match self.update() {
                Ok(()) => self.updates.due(SystemTime::now()).max(self.updates.least),
                Err(_) if self.stop.stopped() => return,
                Err(why) => {
                    (self.message)(Level::Error, &format!("the trails were not updated: {why}"));
                    AFTER_FAILURE.min(self.updates.period)
                }
            };
        }
    }

    fn update(&self) -> Result<(), String> {
        (self.message)(Level::Info, "updating the trails");
        let spawned = {
            let mut known = self.child.lock().unwrap_or_else(PoisonError::into_inner);
            // A stop that came before saw no child.
            if self.stop.stopped() {
                return Err(String::new());
            }
            let spawned = self.updates.command().and_then(|mut command| command.spawn());
            let spawned = spawned.map_err(|error| format!("cannot start it: {error}"))?;
            *known = Pid::from_raw(i32::try_from(spawned.id()).unwrap_or_default());
            spawned
        };
        let ended = self.follow(spawned);
        let (exit, last) = ended.map_err(|error| error.to_string())?;
        match exit {
            Some(code) if code == Exit::Success as i32 => Ok(()),
            _ => Err(last),
        }
    }

    /// Passes on what the child says; gives its exit status and the last thing it said.
    fn follow(&self, mut child: Child) -> io::Result<(Option<i32>, String)> {
        let mut last = "it ended without a word".to_owned();
        if let Some(said) = child.stderr.take() {
            let mut body = io::BufReader::new(said);
            let mut line = String::new();
            while io::BufRead::read_line(&mut body, &mut line)? > 0 {
                let text = line.trim_end().trim_start_matches("maltrail: ");
                match text.strip_prefix("error: ") {
                    Some(error) => error.clone_into(&mut last),
                    None => (self.message)(Level::Warning, text.trim_start_matches("warning: ")),
                }
                line.clear();
            }
        }
        // Its number stays its own until it is waited for.
        *self.child.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok((child.wait()?.code(), last))
    }
}

#[cfg(test)]
mod tests {
    use feeds::publish::retell;
    use jiff::Timestamp;

    use super::*;

    const MINUTE: u64 = 60;

    /// When the next update is due, in minutes: of trails that were made so many minutes ago and written now, with a feed
    /// that may be asked in so many minutes.
    fn due(least: u64, next: Option<u64>, held: bool) -> u64 {
        let directory = tempfile::tempdir().unwrap();
        let trails_file = directory.path().join("trails.csv");
        fs::write(&trails_file, "evil.org,x,y\n").unwrap();
        let now = Timestamp::now();
        let next = next.map(|minutes| now + Duration::from_secs(minutes * MINUTE));
        let text = format!(
            r#"{{"generation": 1, "built": "{now}", "trails": 1, "kinds": {{}}, "sources": [], "refused": {{}}, "left_out": {{}},
            "change": null, "held": {held}, "feeds": [{{"name": "list", "outcome": "fetched", "error": null, "rows": 1,
            "bytes": 9, "asked": null, "changed": null, "stale": false, "next": {}}}]}}"#,
            next.map_or_else(|| "null".to_owned(), |next| format!("\"{next}\""))
        );
        retell(&Place::of(&trails_file), &serde_json::from_str(&text).unwrap()).unwrap();
        let (period, least) = (Duration::from_secs(100 * MINUTE), Duration::from_secs(least * MINUTE));
        let updates = Updates { config: None, trails_file, period, least };
        updates.due(SystemTime::now()).as_secs().div_ceil(MINUTE)
    }

    #[test]
    fn updates_come_when_a_feed_may_be_asked_but_not_too_often() {
        assert_eq!(due(60, None, false), 100);
        assert_eq!(due(60, Some(70), false), 70);
        assert_eq!(due(60, Some(0), false), 60);
        assert_eq!(due(60, Some(300), false), 100);
        assert_eq!(due(100, Some(0), false), 100);
        assert_eq!(due(0, Some(0), true), 100, "what was put back by hand stays");
    }

    #[test]
    fn without_trails_they_come_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let trails_file = directory.path().join("trails.csv");
        let updates = Updates {
            config: None,
            trails_file,
            period: Duration::from_secs(MINUTE),
            least: Duration::from_secs(MINUTE),
        };
        assert_eq!(updates.due(SystemTime::now()), Duration::ZERO);
        updates.begin().unwrap();
        assert_eq!(updates.due(SystemTime::now()), Duration::ZERO);
    }
}
