//! Whole replays: any number of workers, damaged and missing files, logs, filters, reloads.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout, reason = "a test")]

mod common;

use std::fs;
use std::path::PathBuf;

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::process::Command;
use std::sync::mpsc::channel;
use std::time::Duration;

use common::{Collected, run, settings, write};
use packet::Micros;
use sensor::{Control, Level, SensorError, Source};
use testkit::capture::{self, PcapForm, Recorded};
use testkit::traffic::day::{self, Plan};

fn day() -> Vec<Recorded> {
    day::frames(Plan { seed: 7, midnight: Micros(1_700_006_400_000_000), visits: 300 })
}

fn files(paths: &[PathBuf]) -> Source {
    Source::Files(paths.to_vec())
}

#[test]
fn the_same_lines_for_any_number_of_workers() {
    let directory = tempfile::tempdir().unwrap();
    let frames = day();
    let file = write(directory.path(), "day.pcap", &capture::file(&frames));
    let mut first = None;
    for workers in [1, 2, 3, 4, 8] {
        let mut settings = settings(directory.path(), files(std::slice::from_ref(&file)), day::TRAILS);
        settings.workers = workers;
        let log = directory.path().join(format!("log-{workers}"));
        settings.log_dir = Some(log.clone());
        settings.pipeline.throttle = detect::ThrottleMode::Summarize;
        let ran = run(settings);
        assert_eq!(ran.summary.packets.received, frames.len() as u64);
        assert!(ran.lines.len() > 10, "{} events", ran.lines.len());
        let mut journals: Vec<_> = fs::read_dir(&log).unwrap().flatten().map(|e| e.path()).collect();
        journals.sort();
        let journals: Vec<String> = journals.iter().map(|p| fs::read_to_string(p).unwrap()).collect();
        let result = (ran.lines, journals, ran.summary.packets, ran.summary.accounts);
        assert_eq!(&result, first.get_or_insert(result.clone()), "{workers} workers");
    }
}

#[test]
fn several_files_are_one_stream() {
    let directory = tempfile::tempdir().unwrap();
    let frames = day();
    let whole = write(directory.path(), "whole.pcap", &capture::file(&frames));
    let (first, second) = frames.split_at(frames.len() / 2);
    let parts = directory.path().join("parts");
    fs::create_dir(&parts).unwrap();
    write(&parts, "a.pcap", &capture::pcap(first, PcapForm { big_endian: true, nanoseconds: true }));
    write(&parts, "b.pcapng", &capture::pcapng(second));
    write(&parts, "notes.txt", b"what was captured where");
    let expected = run(settings(directory.path(), files(&[whole]), day::TRAILS));
    let ran = run(settings(directory.path(), files(&[parts]), day::TRAILS));
    assert_eq!(ran.lines, expected.lines);
    assert_eq!(ran.summary.problems, vec![], "what is no capture in a directory is passed over");
    assert_eq!(ran.summary.files, 2);
}

#[test]
fn damage_costs_what_comes_after_it() {
    let directory = tempfile::tempdir().unwrap();
    let frames = day();
    let mut bytes = capture::file(&frames);
    bytes.truncate(bytes.len() - 5);
    let cut = write(directory.path(), "cut.pcap", &bytes);
    let text = write(directory.path(), "text.pcap", b"this is a text");
    let missing = directory.path().join("missing.pcap");
    let good = write(directory.path(), "good.pcap", &capture::file(&frames));
    let ran = run(settings(directory.path(), files(&[text, missing, cut, good]), day::TRAILS));
    assert_eq!(ran.summary.packets.received, frames.len() as u64 * 2 - 1);
    let problems: Vec<(bool, u64)> = ran.summary.problems.iter().map(|p| (p.unusable, p.packets)).collect();
    assert_eq!(problems, vec![(true, 0), (true, 0), (false, frames.len() as u64 - 1)]);
    let warnings = ran.messages.iter().filter(|(level, _)| *level == Level::Warning).count();
    assert_eq!(warnings, 3);
    assert!(ran.messages.iter().any(|(_, text)| text.contains("cut.pcap: at byte")), "{:?}", ran.messages);
}

#[test]
fn nothing_to_read_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let empty = directory.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let result = sensor::run(
        settings(directory.path(), files(&[empty]), day::TRAILS),
        Collected::default().hooks(Control::default()),
    );
    assert!(matches!(result, Err(SensorError::NoCaptures { .. })));
}

#[test]
fn no_trails_is_an_error_unless_allowed() {
    let directory = tempfile::tempdir().unwrap();
    let file = write(directory.path(), "day.pcap", &capture::file(&day()));
    let hooks = || Collected::default().hooks(Control::default());
    let mut settings = settings(directory.path(), files(&[file]), "");
    let result = sensor::run(settings.clone(), hooks());
    assert!(matches!(result, Err(SensorError::NoTrails { .. })));
    settings.allow_empty_trails = true;
    settings.matching.detectors = detect::detectors::Settings::none();
    let agent_only = sensor::run(settings.clone(), hooks()).unwrap().accounts.findings;
    assert_eq!(agent_only, 1, "the built-in User-Agents need no trails");
    settings.user_agents_file = Some(write(directory.path(), "agents.txt", b""));
    assert_eq!(sensor::run(settings, hooks()).unwrap().accounts.findings, 0);
}

#[test]
fn a_filter_leaves_out_and_counts() {
    let directory = tempfile::tempdir().unwrap();
    let frames = day();
    let file = write(directory.path(), "day.pcap", &capture::file(&frames));
    for workers in [1, 4] {
        let mut settings = settings(directory.path(), files(std::slice::from_ref(&file)), day::TRAILS);
        settings.workers = workers;
        settings.filter = Some("udp port 53".to_owned());
        let ran = run(settings.clone());
        let packets = ran.summary.packets;
        assert_eq!(packets.received, frames.len() as u64);
        assert!(packets.filtered > 0 && packets.decoded > 0, "{packets:?}");
        assert!(ran.lines.iter().all(|l| l.contains(" UDP ")), "{:?}", ran.lines);
        settings.filter = Some("udp prot 53".to_owned());
        let result = sensor::run(settings, Collected::default().hooks(Control::default()));
        assert!(matches!(result, Err(SensorError::Filter { .. })));
    }
}

/// So often a file is read where workers are to be far behind the reader before the end.
const MANY: usize = 20;

#[test]
fn a_reload_in_the_middle_loses_and_doubles_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let file = write(directory.path(), "day.pcap", &capture::file(&day()));
    let many = vec![file; MANY];
    let expected = run(settings(directory.path(), files(&many), day::TRAILS)).lines;
    for workers in [1, 4] {
        let mut settings = settings(directory.path(), files(&many), day::TRAILS);
        settings.workers = workers;
        let collected = Collected::default();
        let control = Control::default();
        let mut hooks = collected.hooks(control.clone());
        let mut inner = hooks.event.take().unwrap();
        hooks.event = Some(Box::new(move |event| {
            control.reload();
            inner(event);
        }));
        let ran = collected.ran(sensor::run(settings, hooks).unwrap());
        assert_eq!(ran.lines, expected, "{workers} workers");
        assert!(ran.summary.trails.generation > 1, "{:?}", ran.summary.trails);
    }
}

#[test]
fn a_replay_stops_when_told_and_accounts_for_what_it_read() {
    let directory = tempfile::tempdir().unwrap();
    let frames = day();
    let file = write(directory.path(), "day.pcap", &capture::file(&frames));
    for workers in [1, 4] {
        let mut settings = settings(directory.path(), files(&vec![file.clone(); MANY]), day::TRAILS);
        settings.workers = workers;
        let collected = Collected::default();
        let control = Control::default();
        let mut hooks = collected.hooks(control.clone());
        hooks.event = Some(Box::new(move |_| control.stop()));
        let ran = collected.ran(sensor::run(settings, hooks).unwrap());
        assert!(ran.summary.packets.received < (MANY * frames.len()) as u64, "{workers} workers");
        assert!(ran.summary.accounts.findings > 0);
    }
}

const LISTED: &str = "evil.org,x (malware),(static)\n";
/// Longest wait for what comes at once.
const PATIENCE: Duration = Duration::from_secs(20);

/// Replays a FIFO into which `bytes` go and nothing more, while it stays open; stopped after the first of the events
/// that they give, if any.
fn stopped_while_silent(bytes: Option<&[u8]>, events: bool, workers: usize) -> common::Ran {
    let directory = tempfile::tempdir().unwrap();
    let fifo = directory.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let mut settings = settings(directory.path(), files(std::slice::from_ref(&fifo)), LISTED);
    settings.workers = workers;
    let (collected, control) = (Collected::default(), Control::default());
    let mut hooks = collected.hooks(control.clone());
    let (seen, first) = channel();
    let mut inner = hooks.event.take().unwrap();
    hooks.event = Some(Box::new(move |event| {
        inner(event);
        let _ = seen.send(());
    }));
    let (done, result) = channel();
    let thread = std::thread::spawn(move || drop(done.send(sensor::run(settings, hooks))));
    // Also readable, so that opening it waits for nobody.
    let held = bytes.map(|bytes| {
        let mut file =
            fs::OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(&fifo).unwrap();
        file.write_all(bytes).unwrap();
        file
    });
    if events {
        assert_eq!(first.recv_timeout(PATIENCE), Ok(()), "what came is told while the pipe is open");
    }
    control.stop();
    let summary =
        result.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("it does not stop while nothing comes")).unwrap();
    thread.join().unwrap();
    drop(held);
    collected.ran(summary)
}

#[test]
fn a_silent_pipe_is_left_at_once_and_what_came_through_it_counts() {
    // No more than a pipe holds, and an event before the last frame.
    let listed = testkit::payload::dns::Message::query("www.evil.org", 1).encode();
    let listed = testkit::Stack::ethernet().ip("10.0.0.5", "9.9.9.9").udp(40_000, 53).payload(listed).frame();
    let mut frames: Vec<Recorded> = day().into_iter().take(60).collect();
    frames[30] = Recorded::new(frames[30].time, listed);
    let whole = capture::file(&frames);
    let cut = whole[..whole.len() - 7].to_vec();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&whole).unwrap();
    packed.flush().unwrap();
    for workers in [1, 3] {
        for (bytes, count) in [(&whole, 60), (&capture::pcapng(&frames), 60), (&cut, 59), (packed.get_ref(), 60)] {
            let ran = stopped_while_silent(Some(bytes), true, workers);
            assert_eq!(ran.summary.problems, vec![], "a stop is no damage");
            let received = ran.summary.packets.received;
            assert!((31..=count).contains(&received), "{received}, {workers} workers");
            assert_eq!(ran.lines.len(), 1);
        }
    }
}

#[test]
fn a_pipe_of_which_nothing_came_is_left_at_once() {
    let header = capture::file(&[]);
    let magic = [0x1f, 0x8b, 8];
    for bytes in [None, Some(&[][..]), Some(&header[..1]), Some(&header[..20]), Some(&header), Some(&magic)] {
        let ran = stopped_while_silent(bytes, false, 1);
        assert_eq!((ran.summary.problems, ran.summary.packets.received), (vec![], 0), "{bytes:?}");
    }
}
