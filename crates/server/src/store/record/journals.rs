//! Reading journals: each line an event.

use std::io;

use super::counters::add;
use super::drawn::ReadOn;
use super::entry;
use super::follow::{Follower, Outcome, Tracked, Trouble};
use super::gaps::shorter;
use super::reader::Reader;
use crate::store::{Gap, Stored};

/// Reads a portion.
pub(super) fn step(follower: &mut Follower, name: &str, tracked: &mut Tracked) -> Result<Outcome, Trouble> {
    let limit = limit(follower, name)?;
    let reader = follower.reader(name, tracked)?;
    reader.fill(Some(limit))?;
    if reader.lines().is_empty() {
        return Ok(Outcome::Done);
    }
    let from = reader.offset();
    let read = events(reader.lines());
    reader.consume(reader.lines().len());
    let (upto, long) = (reader.offset(), reader.take_long());
    tracked.report.lines += (read.lines + long) as u64;
    tracked.report.refused += (read.refused + long) as u64;
    add(&follower.counters.journal_lines, read.lines + long);
    add(&follower.counters.journal_refused, read.refused + long);
    follower.counters.read_bytes.fetch_add(upto - from, std::sync::atomic::Ordering::Relaxed);
    if let Some(id) = &tracked.id {
        follower.sink.absorb(id, upto - tracked.base, read.events)?;
    }
    Ok(Outcome::More)
}

/// Up to where a file may be read now.
pub(super) fn limit(follower: &Follower, name: &str) -> io::Result<u64> {
    let metadata = std::fs::metadata(follower.settings.log_dir.join(name))?;
    if tracked_is_packed(name) { Ok(u64::MAX) } else { Ok(follower.committed.limit(name, metadata.len())) }
}

fn tracked_is_packed(name: &str) -> bool {
    super::names::parse(name).is_some_and(|file| file.packing != super::names::Packing::Plain)
}

struct Events {
    events: Vec<Stored>,
    lines: usize,
    refused: usize,
}

fn events(lines: &[u8]) -> Events {
    let mut events = Events { events: Vec::new(), lines: 0, refused: 0 };
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        events.lines += 1;
        let text = line.strip_suffix(b"\n").and_then(|line| std::str::from_utf8(line).ok());
        match text.and_then(|text| entry::read(text).ok()) {
            Some(stored) => events.events.push(stored),
            None => events.refused += 1,
        }
    }
    events
}

/// Takes what was read of a journal beside a text log, if that is what is next of it.
pub(super) fn take(follower: &mut Follower, read: ReadOn) -> Result<(), Trouble> {
    let Some(tracked) = follower.files.get_mut(&read.name) else { return Ok(()) };
    let next = follower.sink.position(&read.id).unwrap_or(0);
    if tracked.id.as_ref() != Some(&read.id) || tracked.base != 0 || next != read.from {
        return Ok(());
    }
    tracked.report.lines += read.lines as u64;
    tracked.report.refused += read.refused as u64;
    add(&follower.counters.journal_lines, read.lines);
    add(&follower.counters.journal_refused, read.refused);
    follower.counters.read_bytes.fetch_add(read.upto - read.from, std::sync::atomic::Ordering::Relaxed);
    Ok(follower.sink.absorb(&read.id, read.upto, read.events)?)
}

/// Reads the bytes of a gap again.
pub(super) fn fill(follower: &mut Follower, name: &str, tracked: &Tracked, gap: &Gap) -> Result<(), Trouble> {
    let path = follower.settings.log_dir.join(name);
    let mut reader = Reader::open(&path, tracked.file, tracked.base + gap.range.from)?;
    let end = tracked.base + gap.range.upto;
    let mut gap = gap.clone();
    while gap.range.from < gap.range.upto {
        reader.fill(Some(end))?;
        if reader.lines().is_empty() {
            return Err(shorter());
        }
        let read = events(reader.lines());
        reader.consume(reader.lines().len());
        let upto = reader.offset() - tracked.base;
        follower.sink.fill(&gap, upto, read.events)?;
        gap.range.from = upto;
    }
    Ok(())
}
