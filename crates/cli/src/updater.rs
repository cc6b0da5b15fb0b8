//! Updates of the trails that come by themselves, every UPDATE_PERIOD, in a child process: its memory and its troubles are
//! not those of a sensor. Running sensors take the new generation when they see it.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Cursor};
use std::path::PathBuf;
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

    /// How long until the next one is due: at once where there is no trail, or where the set is older than a period.
    fn due(&self, now: SystemTime) -> Duration {
        let place = Place::of(&self.trails_file);
        if self.is_empty() {
            return Duration::ZERO;
        }
        let built = Manifest::read(&place.manifest()).map(|manifest| SystemTime::from(manifest.built));
        let written = fs::metadata(&self.trails_file).and_then(|metadata| metadata.modified()).ok();
        let last = built.max(written).unwrap_or(SystemTime::UNIX_EPOCH);
        self.period.saturating_sub(now.duration_since(last).unwrap_or_default())
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
            wait = match self.update() {
                Ok(()) => self.updates.period,
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
