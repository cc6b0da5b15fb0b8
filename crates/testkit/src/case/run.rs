//! Runs a case: through the real sensor with several numbers of workers and a reload, then cut at every length.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use detect::detectors::{Batch, Stage};
use detect::{Matcher, Pipeline};
use event::line::TextLine;
use event::{Event, Kind};
use jiff::tz::TimeZone;
use packet::{Dissector, Limits, Micros};
use sensor::{Hooks, Settings, Source, Summary};
use trails::Store;
use trails::store::Mapped;

use super::{Case, settings};
use crate::packet::Layer;
use crate::words::START;
use crate::{Recorded, Stack, capture, fault};

/// Numbers of workers that must give the same lines as one.
const WORKERS: &[usize] = &[2, 4, 8];

/// Proves a case. With `update`, the events that came are written into its file.
///
/// # Errors
/// What is not as it must be, for people.
pub fn run(case: &Case, update: bool) -> Result<(), String> {
    let directory = tempfile::tempdir().map_err(|e| format!("no temporary directory: {e}"))?;
    let settings = settings::prepare(case, directory.path())?;
    let came = replay(&settings, false)?;
    if update && came != case.events {
        let text = std::fs::read_to_string(&case.path).map_err(|e| e.to_string())?;
        std::fs::write(&case.path, Case::with_events(&text, &came)).map_err(|e| e.to_string())?;
    } else {
        same("the events", &case.events, &came)?;
    }
    for workers in WORKERS {
        let came_with = replay(&Settings { workers: *workers, ..settings.clone() }, false)?;
        same(&format!("with {workers} workers, the events"), &came, &came_with)?;
    }
    let padded = directory.path().join("padded.pcap");
    std::fs::write(&padded, capture::file(&with_pause(&case.frames))).map_err(|e| e.to_string())?;
    for workers in [1, 2] {
        let source = Source::Files(vec![padded.clone()]);
        let came_with = replay(&Settings { source, workers, ..settings.clone() }, true)?;
        same(&format!("with the trails loaded again and {workers} workers, the events"), &came, &came_with)?;
    }
    let path = Direct::open(&settings, directory.path())?;
    let whole = path.events(&case.frames, case.frames.len() / 2)?;
    same("with a swap of the store in the middle, the events", &came, &lines(&whole))?;
    let known: BTreeSet<(String, String)> = whole.iter().map(identity).collect();
    for frames in fault::every_cut(&case.frames) {
        let length = frames.iter().map(|f| f.bytes.len()).max().unwrap_or(0);
        for event in path.events(&frames, usize::MAX)? {
            // where the ports are cut off, the address alone may be what is listed
            let without_ports = event.kind == Kind::Ip && event.dst_ports.is_empty();
            if !known.contains(&identity(&event)) && !without_ports {
                return Err(format!(
                    "cut to {length} bytes, an event that the whole frames do not give:\n  {}",
                    line(&event)
                ));
            }
        }
    }
    Ok(())
}

/// The frames with a pause of frames that say nothing in the middle, long enough for a sensor to take new trails.
fn with_pause(frames: &[Recorded]) -> Vec<Recorded> {
    const PAUSE: usize = 10_000;
    let (before, after) = frames.split_at(frames.len() / 2);
    let time = before.last().or(after.first()).map_or(START, |frame| frame.time);
    let nothing = Stack::ethernet().with(Layer::EtherType(0x0806)).payload([0; 28]).frame();
    let pause = std::iter::repeat_n(Recorded::new(time, nothing), PAUSE);
    before.iter().cloned().chain(pause).chain(after.iter().cloned()).collect()
}

/// Events of the real sensor, as lines.
fn replay(settings: &Settings, reload: bool) -> Result<Vec<String>, String> {
    let events = Arc::new(Mutex::new(Vec::new()));
    let mut hooks = Hooks::default();
    let (taken, control) = (Arc::clone(&events), hooks.control.clone());
    if reload {
        hooks.control.reload();
    }
    hooks.event = Some(Box::new(move |event: &Event| {
        taken.lock().expect("no other holder panicked").push(line(event));
        if reload {
            control.reload();
        }
    }));
    let summary = sensor::run(settings.clone(), hooks).map_err(|e| format!("the sensor: {e}"))?;
    check(&summary)?;
    let events = events.lock().expect("no other holder panicked");
    Ok(events.clone())
}

/// What must hold at the end of every run.
fn check(summary: &Summary) -> Result<(), String> {
    if !summary.violations.is_empty() {
        return Err(format!("the sensor does not account for everything:\n  {}", summary.violations.join("\n  ")));
    }
    if summary.worker_panics > 0 {
        return Err(format!("workers panicked {} times", summary.worker_panics));
    }
    if let Some(problem) = summary.problems.first() {
        return Err(format!("{}: {}", problem.path.display(), problem.text));
    }
    Ok(())
}

/// The parts of the sensor without its edge, for what is tried a thousand times.
struct Direct<'a> {
    settings: &'a Settings,
    store: Arc<Store<Mapped>>,
}

impl<'a> Direct<'a> {
    /// With the store that the sensor built.
    fn open(settings: &'a Settings, directory: &Path) -> Result<Self, String> {
        let mut stores = std::fs::read_dir(directory).map_err(|e| e.to_string())?.flatten().map(|entry| entry.path());
        let built = stores.find(|path| path.extension().is_some_and(|e| e == "bin"));
        let built = built.ok_or("the sensor built no store beside its trails")?;
        let store = Store::open(&built).map_err(|e| e.to_string())?;
        Ok(Direct { settings, store: Arc::new(store) })
    }

    /// Events of frames; before frame number `swap` the store is exchanged for an equal one.
    fn events(&self, frames: &[Recorded], swap: usize) -> Result<Vec<Event>, String> {
        let mut dissector = Dissector::new(&Limits::default(), 1);
        let matching = Arc::new(self.settings.matching.clone());
        let mut stage = Stage::new(&matching.detectors, matching.seed);
        let mut evidence = Batch::default();
        let mut matcher = Matcher::new(matching, Arc::clone(&self.store));
        let mut pipeline = Pipeline::new(self.settings.pipeline.clone());
        let (mut findings, mut events) = (Vec::new(), Vec::new());
        for (i, frame) in frames.iter().enumerate() {
            if i == swap {
                matcher.swap(Arc::clone(&self.store));
            }
            matcher.begin_late(frame.time, i as u64);
            dissector.advance(frame.time, &mut matcher);
            matcher.begin(frame.time, i as u64);
            let _outcome = dissector.frame(&frame.as_frame(), &mut matcher);
            matcher.take(&mut findings);
            matcher.take_evidence(&mut evidence);
            stage.weigh(&evidence, &mut findings);
            evidence.clear();
            for finding in findings.drain(..) {
                pipeline.take(finding, &mut events);
            }
            pipeline.advance(frame.time, &mut events);
        }
        matcher.begin_late(frames.last().map_or_else(Micros::default, |frame| frame.time), frames.len() as u64);
        dissector.finish(&mut matcher);
        matcher.take(&mut findings);
        matcher.take_evidence(&mut evidence);
        stage.weigh(&evidence, &mut findings);
        for finding in findings.drain(..) {
            pipeline.take(finding, &mut events);
        }
        pipeline.finish(&mut events);
        let a = pipeline.accounts();
        if !a.balanced() || a.held != 0 || a.events != events.len() as u64 {
            return Err(format!("findings are not accounted for: {a:?}, {} events", events.len()));
        }
        Ok(events)
    }
}

fn lines(events: &[Event]) -> Vec<String> {
    events.iter().map(line).collect()
}

fn identity(event: &Event) -> (String, String) {
    (event.indicator.clone(), format!("{:?}", event.kind))
}

/// An event as cases write it: `DNS 10.0.0.5:40000 > 8.8.8.8:53 (www).evil-site.example.com | quietfox (malware)`.
fn line(event: &Event) -> String {
    let text = TextLine::of(event, &TimeZone::UTC);
    let (src, dst) = (side(&text.src_ip, &text.src_port), side(&text.dst_ip, &text.dst_port));
    let mut out = format!("{} {src} > {dst} {} | {}", text.kind, text.trail, text.info);
    if event.count != 1 {
        out.push_str(&format!(" | x{}", event.count));
    }
    out
}

/// `10.0.0.5:80`, `[2001:db8::5]:80`; of a bundle `10.0.0.5:22,80`.
fn side(addresses: &str, ports: &str) -> String {
    match (addresses.contains(':'), ports.is_empty()) {
        (_, true) => addresses.to_owned(),
        (true, false) => format!("[{addresses}]:{ports}"),
        (false, false) => format!("{addresses}:{ports}"),
    }
}

/// An error with a diff of lines where they differ.
fn same(what: &str, expected: &[String], came: &[String]) -> Result<(), String> {
    if expected == came {
        return Ok(());
    }
    let mut text = format!("{what} differ (- expected, + came):\n");
    let common = longest_common(expected, came);
    let (mut left, mut right) = (expected.iter().peekable(), came.iter().peekable());
    for shared in common.iter().map(Some).chain([None]) {
        while let Some(line) = left.next_if(|l| Some(*l) != shared) {
            text.push_str(&format!("  - {line}\n"));
        }
        while let Some(line) = right.next_if(|r| Some(*r) != shared) {
            text.push_str(&format!("  + {line}\n"));
        }
        if let Some(line) = shared {
            text.push_str(&format!("    {line}\n"));
            left.next();
            right.next();
        }
    }
    Err(text)
}

/// The longest common subsequence of lines.
fn longest_common(a: &[String], b: &[String]) -> Vec<String> {
    let mut best = vec![vec![0_usize; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            best[i][j] = if a[i] == b[j] { best[i + 1][j + 1] + 1 } else { best[i + 1][j].max(best[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut out) = (0, 0, Vec::new());
    while i < a.len() && j < b.len() {
        if a[i] == b[j] {
            out.push(a[i].clone());
            (i, j) = (i + 1, j + 1);
        } else if best[i + 1][j] >= best[i][j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(lines: &[&str]) -> Vec<String> {
        lines.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_difference_is_shown_line_by_line() {
        let text = same("the events", &owned(&["a", "b", "c"]), &owned(&["a", "x", "c", "d"])).unwrap_err();
        assert_eq!(text, "the events differ (- expected, + came):\n    a\n  - b\n  + x\n    c\n  + d\n");
        assert_eq!(same("", &owned(&["a"]), &owned(&["a"])), Ok(()));
    }

    #[test]
    fn addresses_and_ports_are_written_as_cases_do() {
        assert_eq!(side("10.0.0.5", "80"), "10.0.0.5:80");
        assert_eq!(side("2001:db8::5", "80"), "[2001:db8::5]:80");
        assert_eq!(side("2001:db8::5", ""), "2001:db8::5");
        assert_eq!(side("10.0.0.5", "22,80"), "10.0.0.5:22,80");
    }
}
