//! Building a store: in a child process for a sensor, how far it is, and what became of the lines.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use trails::load::{self, LoadError};
use trails::read::{Progress, is_csv};
use trails::store::Counts;
use trails::{Kind, Report, Why};

use super::{complain, print};
use crate::arguments::BuildArguments;
use crate::console::safe;
use crate::exit::Exit;

/// Refused texts of one cause that are shown.
const EXAMPLES_SHOWN: usize = 3;
/// Input with at least so many bytes shows how far reading is.
const PROGRESS_BYTES: u64 = 8 << 20;
/// Where standard error is no terminal there is a line whenever so many hundredths more are read.
const PROGRESS_STEP: u64 = 25;

/// `maltrail build-store`: what a sensor starts for a CSV that has no store yet, or has changed. Standard output is for
/// the sensor: a line for each cause of refusals, their number first.
pub(crate) fn run(arguments: &BuildArguments) -> Exit {
    let started = Instant::now();
    let mut meter = Meter::new(&arguments.csv, arguments.quiet);
    let built = load::build(&arguments.csv, &arguments.cache_dir, &mut |progress| meter.show(progress));
    meter.done();
    match built {
        Ok((path, report)) => {
            if !arguments.quiet {
                let mut said = headline(&path, &report, started);
                if !report.refused.is_empty() {
                    said.push_str(&lines(&report));
                }
                said.lines().for_each(complain);
            }
            for cause in report.causes(EXAMPLES_SHOWN) {
                print(&format!("{} {}\n", cause.lines, cause.text));
            }
            Exit::Success
        }
        Err(error) => {
            complain(&format!("error: {error}"));
            status(&error)
        }
    }
}

/// The exit status of what kept a store from being built.
pub(crate) fn status(error: &LoadError) -> Exit {
    match error {
        LoadError::Store(_) | LoadError::Read(_) => Exit::NoTrails,
        LoadError::Write { .. } => Exit::Failure,
    }
}

/// The program that runs, also where its file was replaced since.
///
/// # Errors
/// The system does not tell.
pub(crate) fn program() -> std::io::Result<PathBuf> {
    let this = Path::new("/proc/self/exe");
    if this.exists() { Ok(this.to_owned()) } else { std::env::current_exe() }
}

/// The command that builds the store of a CSV; none for a store.
pub(crate) fn command(csv: &Path, cache_dir: &Path) -> Option<Vec<OsString>> {
    if !is_csv(csv) {
        return None;
    }
    Some(vec![program().ok()?.into(), "build-store".into(), csv.into(), cache_dir.into()])
}

/// Builds the store of a CSV that has none in a child process, so that the memory this takes is not the sensor's.
/// What cannot be done here is left to the sensor, which says why.
///
/// # Errors
/// The child's exit status; it has said what is wrong.
pub(crate) fn ahead(csv: &Path, cache_dir: &Path, quiet: bool) -> Result<(), Exit> {
    let Some(command) = command(csv, cache_dir) else { return Ok(()) };
    if !matches!(load::current(csv, cache_dir), Ok(None)) {
        return Ok(());
    }
    let Some((program, arguments)) = command.split_first() else { return Ok(()) };
    let mut child = Command::new(program);
    child.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
    if quiet {
        child.arg("--quiet");
    }
    match child.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) if status.code() == Some(Exit::NoTrails as i32) => Err(Exit::NoTrails),
        Ok(status) => {
            if status.code().is_none() {
                complain(&format!("error: building the store of {} ended: {status}", csv.display()));
            }
            Err(Exit::Failure)
        }
        Err(_) => Ok(()),
    }
}

/// Says on standard error how far reading is: a bar on a terminal, else a line now and then.
pub(crate) struct Meter {
    what: PathBuf,
    quiet: bool,
    bar: Option<ProgressBar>,
    said: u64,
}

impl Meter {
    pub(crate) fn new(what: &Path, quiet: bool) -> Self {
        Meter { what: what.to_owned(), quiet, bar: None, said: 0 }
    }

    pub(crate) fn show(&mut self, progress: Progress) {
        if self.quiet || progress.total < PROGRESS_BYTES {
            return;
        }
        if std::io::stderr().is_terminal() {
            let what = self.what.display().to_string();
            self.bar.get_or_insert_with(|| bar(progress.total, what)).set_position(progress.done);
            return;
        }
        let percent = progress.done.saturating_mul(100) / progress.total;
        if percent >= self.said + PROGRESS_STEP {
            self.said = percent - percent % PROGRESS_STEP;
            complain(&format!("{}: {} % read", self.what.display(), self.said));
        }
    }

    pub(crate) fn done(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn bar(total: u64, what: String) -> ProgressBar {
    let bar = ProgressBar::new(total);
    let style = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {msg}");
    style.map_or_else(|_| bar.clone(), |style| bar.clone().with_style(style)).with_message(what)
}

fn headline(store: &Path, report: &Report, started: Instant) -> String {
    let count: u64 = report.counts.iter().sum();
    let seconds = started.elapsed().as_secs_f64();
    format!("{}: {count} trails, whole, built in {seconds:.2} s\n", store.display())
}

/// What was built and what became of the lines, in lines. `before`: counts of the store that this one follows.
pub(crate) fn summary(store: &Path, report: &Report, started: Instant, before: Option<&Counts>) -> String {
    let mut out = headline(store, report, started);
    let kinds = Kind::ALL.iter().zip(report.counts).filter(|(_, count)| *count > 0);
    let kinds: Vec<String> = kinds.map(|(kind, count)| format!("{} {count}", kind.as_str())).collect();
    let _ = writeln!(out, "kinds     {}", kinds.join(", "));
    let mut classes: Vec<_> = report.classes.iter().collect();
    classes.sort_by_key(|(class, count)| (std::cmp::Reverse(**count), **class));
    let classes: Vec<String> = classes.iter().map(|(class, count)| format!("{} {count}", class.as_str())).collect();
    let _ = writeln!(out, "classes   {}", classes.join(", "));
    if let Some(before) = before {
        let _ = writeln!(out, "before    {}", difference(before, &report.counts));
    }
    out.push_str(&lines(report));
    out
}

/// What became of the lines: the refused by cause, with the first of each.
pub(crate) fn lines(report: &Report) -> String {
    let mut out = String::new();
    let refused: u64 = report.refused.values().sum();
    let _ = write!(out, "lines     {} read, {} of them listed before", report.lines, report.repeated);
    for (veto, count) in &report.vetoed {
        let _ = write!(out, ", {count} left out ({veto})");
    }
    let _ = writeln!(out, ", {refused} refused");
    for (why, count) in &report.refused {
        let _ = writeln!(out, "refused   {count}: {why}");
        for refusal in examples(report, *why) {
            let _ = writeln!(out, "          {}:{}: {}", refusal.file, refusal.line, safe(&refusal.text));
        }
    }
    out
}

fn examples(report: &Report, why: Why) -> impl Iterator<Item = &trails::builder::Refusal> {
    report.refusals.iter().filter(move |refusal| refusal.why == why).take(EXAMPLES_SHOWN)
}

fn difference(before: &Counts, now: &Counts) -> String {
    let total: u64 = before.iter().sum();
    let changes: Vec<String> = Kind::ALL
        .iter()
        .zip(before.iter().zip(now))
        .filter(|(_, (before, now))| before != now)
        .map(|(kind, (before, now))| {
            let sign = if now > before { '+' } else { '-' };
            format!("{} {sign}{}", kind.as_str(), now.abs_diff(*before))
        })
        .collect();
    let changes = if changes.is_empty() { "the same number of each kind".to_string() } else { changes.join(", ") };
    format!("{total} trails; {changes}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences() {
        let mut before = Counts::default();
        let mut now = before;
        assert_eq!(difference(&before, &now), "0 trails; the same number of each kind");
        (before[0], now[0], before[4], now[4]) = (10, 12, 7, 3);
        assert_eq!(difference(&before, &now), "17 trails; name +2, address:port -4");
    }

    #[test]
    fn only_a_csv_is_built() {
        assert_eq!(command(Path::new("t.bin"), Path::new("c")), None);
        let command = command(Path::new("t.CSV"), Path::new("c")).unwrap();
        assert_eq!(command[1..], [OsString::from("build-store"), "t.CSV".into(), "c".into()]);
    }
}
