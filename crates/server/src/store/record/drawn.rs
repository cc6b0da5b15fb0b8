//! Lines that journals draw, so that a text log's line that a journal has too is counted once.
//!
//! Sensor and server write an event to their journal and to the text log in the same order. So a text log is read
//! beside each journal of its time: the journal's next lines, as they are drawn, wait in a queue of bounded length; a
//! text line that is among them is that event, and what stands before it there has no text line and goes.
//! A text line that is in no queue is another program's.

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::io;
use std::path::Path;

use event::draw::{LocalClock, draw};
use event::import::give_back;
use hashbrown::{HashMap, HashSet};
use jiff::Timestamp;
use jiff::civil::Date;

use super::append::Handoff;
use super::entry;
use super::names::FileName;
use super::reader::Reader;
use crate::store::{SourceId, Stored};

/// Lines of one journal that wait for their text lines.
pub const MAX_AHEAD: usize = 1 << 18;
/// Lines that stay for a while behind one that was found.
const MARGIN: u64 = 4096;
/// Seconds by which the lines of a full queue must lie behind the text log before they make room.
const SLACK: i64 = 3600;
/// Names of sensors that are remembered; more are not, which only shortens how long their lines wait.
const MAX_SENSORS: usize = 1024;

type Seeds = foldhash::quality::RandomState;

/// One drawn line.
struct Line {
    hash: u64,
    /// Where it ends in its journal, or a place before.
    end: u64,
    second: i64,
    taken: bool,
}

/// One journal beside a text log.
pub(super) struct Ahead {
    pub(super) id: SourceId,
    pub(super) name: String,
    reader: Reader,
    queue: VecDeque<Line>,
    /// Number of the first line of the queue.
    first: u64,
    /// Number of the first line that waits, by hash; of others with the same hash in `others`.
    by_hash: HashMap<u64, u64, foldhash::fast::RandomState>,
    others: HashMap<u64, VecDeque<u64>, foldhash::fast::RandomState>,
    /// Where the lines that are gone end.
    gone: u64,
}

/// Events that were read of a journal on the way.
pub(super) struct ReadOn {
    pub(super) id: SourceId,
    pub(super) name: String,
    pub(super) from: u64,
    pub(super) upto: u64,
    pub(super) events: Vec<Stored>,
    /// Lines, and those of them that are no events.
    pub(super) lines: usize,
    pub(super) refused: usize,
}

/// The journals beside one text log.
pub(super) struct Drawn {
    day: Date,
    clock: LocalClock,
    seeds: Seeds,
    scratch: Vec<u8>,
    journals: Vec<Ahead>,
    sensors: HashSet<String, foldhash::fast::RandomState>,
    /// Lines of one journal that may wait: [`MAX_AHEAD`].
    room: usize,
}

impl Drawn {
    /// For the text log of a local day.
    pub(super) fn new(day: Date, clock: LocalClock) -> Drawn {
        let (seeds, scratch) = (Seeds::default(), Vec::new());
        Drawn { day, clock, seeds, scratch, journals: Vec::new(), sensors: HashSet::default(), room: MAX_AHEAD }
    }

    /// The local day.
    pub(super) fn day(&self) -> Date {
        self.day
    }

    /// Whether any journal is read beside it.
    pub(super) fn any(&self) -> bool {
        !self.journals.is_empty()
    }

    /// Whether a journal is read beside it.
    pub(super) fn has(&self, id: &SourceId) -> bool {
        self.journals.iter().any(|ahead| ahead.id == *id)
    }

    /// Reads another journal beside it, from a place on.
    pub(super) fn add(&mut self, id: SourceId, path: &Path, file: FileName, from: u64) -> io::Result<()> {
        let reader = Reader::open(path, file, from)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.journals.push(Ahead {
            id,
            name,
            reader,
            queue: VecDeque::new(),
            first: 0,
            by_hash: HashMap::default(),
            others: HashMap::default(),
            gone: from,
        });
        Ok(())
    }

    /// Where each journal is to be read from after a restart.
    pub(super) fn places(&self) -> impl Iterator<Item = (&SourceId, u64)> {
        self.journals.iter().map(|ahead| (&ahead.id, ahead.gone))
    }

    /// Whether a journal has had lines of this sensor.
    pub(super) fn knows_sensor(&self, sensor: &str) -> bool {
        self.sensors.contains(sensor)
    }

    /// Whether a text line is a journal's among those that were read; it is found once for each event.
    pub(super) fn take(&mut self, line: &[u8]) -> bool {
        let hash = self.seeds.hash_one(line);
        self.journals.iter_mut().any(|ahead| ahead.take(hash))
    }

    /// Reads on in journals that have room. `time`: where the text log stands; lines long before it make room.
    /// `limit`: up to where a file may be read.
    ///
    /// Gives what was read of one journal; nothing when all are read or full.
    pub(super) fn read_on(
        &mut self,
        time: Option<Timestamp>,
        limit: impl Fn(&str) -> Option<u64>,
    ) -> io::Result<Option<ReadOn>> {
        for place in 0..self.journals.len() {
            let Some(ahead) = self.journals.get_mut(place) else { break };
            if let Some(time) = time {
                ahead.make_room(self.room, time.as_second());
            }
            if ahead.queue.len() >= self.room {
                continue;
            }
            ahead.reader.fill(limit(&ahead.name))?;
            if ahead.reader.lines().is_empty() {
                continue;
            }
            return Ok(Some(self.enqueue(place)));
        }
        Ok(None)
    }

    /// Puts the lines that were read of a journal into its queue, as many as fit.
    fn enqueue(&mut self, place: usize) -> ReadOn {
        let Drawn { day, clock, seeds, scratch, journals, sensors, room } = self;
        let mut read = ReadOn {
            id: SourceId(String::new()),
            name: String::new(),
            from: 0,
            upto: 0,
            events: Vec::new(),
            lines: 0,
            refused: 0,
        };
        let Some(ahead) = journals.get_mut(place) else { return read };
        read.id = ahead.id.clone();
        read.name.clone_from(&ahead.name);
        read.from = ahead.reader.offset();
        let mut fresh = Vec::new();
        let mut used = 0;
        for line in ahead.reader.lines().split_inclusive(|byte| *byte == b'\n') {
            if ahead.queue.len() + fresh.len() >= *room {
                break;
            }
            used += line.len();
            read.lines += 1;
            let text = line.strip_suffix(b"\n").and_then(|line| std::str::from_utf8(line).ok());
            let Some(stored) = text.and_then(|text| entry::read(text).ok()) else {
                read.refused += 1;
                continue;
            };
            if let Some(hash) = hash(&stored, *day, clock, seeds, scratch) {
                fresh.push(Line {
                    hash,
                    end: read.from + used as u64,
                    second: stored.event.time.as_second(),
                    taken: false,
                });
                remember(sensors, &stored.event.sensor);
            }
            read.events.push(stored);
        }
        ahead.reader.consume(used);
        read.upto = ahead.reader.offset();
        ahead.extend(fresh);
        read
    }

    /// Takes events that were just written to a journal, if it was read up to them: it need not be read there then.
    pub(super) fn feed(&mut self, id: &SourceId, handoff: &Handoff) -> io::Result<()> {
        let Drawn { day, clock, seeds, scratch, journals, sensors, room } = self;
        let Some(ahead) = journals.iter_mut().find(|ahead| ahead.id == *id) else { return Ok(()) };
        let fits = ahead.queue.len() + handoff.events.len() <= *room;
        if !fits || ahead.reader.offset() != handoff.from || !ahead.reader.skip_to(handoff.upto)? {
            return Ok(());
        }
        let mut fresh = Vec::new();
        for stored in &handoff.events {
            if let Some(hash) = hash(stored, *day, clock, seeds, scratch) {
                fresh.push(Line { hash, end: handoff.from, second: stored.event.time.as_second(), taken: false });
                remember(sensors, &stored.event.sensor);
            }
        }
        ahead.extend(fresh);
        Ok(())
    }
}

fn remember(sensors: &mut HashSet<String, foldhash::fast::RandomState>, sensor: &str) {
    if !sensors.contains(sensor) && sensors.len() < MAX_SENSORS {
        sensors.insert(sensor.to_owned());
    }
}

/// Hash of an event's text line; none where it belongs to another day's log.
fn hash(stored: &Stored, day: Date, clock: &mut LocalClock, seeds: &Seeds, scratch: &mut Vec<u8>) -> Option<u64> {
    if stored.event.day(clock.zone()) != day {
        return None;
    }
    if let Some(line) = &stored.line {
        return Some(seeds.hash_one(give_back(line).as_ref()));
    }
    scratch.clear();
    draw(&stored.event, clock, scratch);
    Some(seeds.hash_one(scratch.as_slice()))
}

impl Ahead {
    fn extend(&mut self, lines: Vec<Line>) {
        for line in lines {
            let number = self.first + self.queue.len() as u64;
            if self.by_hash.contains_key(&line.hash) {
                self.others.entry(line.hash).or_default().push_back(number);
            } else {
                self.by_hash.insert(line.hash, number);
            }
            self.queue.push_back(line);
        }
    }

    fn take(&mut self, hash: u64) -> bool {
        let Some(number) = self.by_hash.get(&hash).copied() else { return false };
        self.forget(hash);
        let place = usize::try_from(number.saturating_sub(self.first)).unwrap_or(usize::MAX);
        if let Some(line) = self.queue.get_mut(place) {
            line.taken = true;
        }
        while self.first + MARGIN < number {
            self.drop_first();
        }
        true
    }

    /// The first line of a hash waits no more.
    fn forget(&mut self, hash: u64) {
        let next = self.others.get_mut(&hash).and_then(|others| {
            let next = others.pop_front();
            next.map(|next| (next, others.is_empty()))
        });
        match next {
            Some((next, last)) => {
                self.by_hash.insert(hash, next);
                if last {
                    self.others.remove(&hash);
                }
            }
            None => {
                self.by_hash.remove(&hash);
            }
        }
    }

    fn drop_first(&mut self) {
        let Some(line) = self.queue.pop_front() else { return };
        if !line.taken {
            self.forget(line.hash);
        }
        self.first += 1;
        self.gone = line.end;
    }

    fn make_room(&mut self, room: usize, second: i64) {
        while self.queue.len() >= room && self.queue.front().is_some_and(|line| line.second < second - SLACK) {
            self.drop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use jiff::tz::TimeZone;

    use super::super::names;
    use super::super::sample;
    use super::*;

    const NAME: &str = "events-2026-11-20.jsonl";

    fn event(n: u64) -> Stored {
        sample::at(
            sample::noon() - SignedDuration::from_hours(11) + SignedDuration::from_secs(i64::try_from(n).unwrap()),
            n,
        )
    }

    fn line(n: u64) -> Vec<u8> {
        event(n).event.line(&TimeZone::UTC).into_bytes()
    }

    /// Beside a journal of these events, with room for so many.
    fn drawn(directory: &Path, events: impl Iterator<Item = u64>, room: usize) -> Drawn {
        let path = directory.join(NAME);
        let mut bytes = Vec::new();
        events.for_each(|n| entry::write(&event(n), None, &mut bytes).unwrap());
        std::fs::write(&path, bytes).unwrap();
        let day = "2026-11-20".parse().unwrap();
        let mut drawn = Drawn { room, ..Drawn::new(day, LocalClock::new(TimeZone::UTC)) };
        drawn.add(SourceId("j".into()), &path, names::parse(NAME).unwrap(), 0).unwrap();
        drawn
    }

    /// Reads on as long as there is room.
    fn read(drawn: &mut Drawn, time: Option<Timestamp>) -> usize {
        let mut read = 0;
        while let Some(more) = drawn.read_on(time, |_| None).unwrap() {
            read += more.events.len();
        }
        read
    }

    #[test]
    fn each_line_is_found_once() {
        let directory = tempfile::tempdir().unwrap();
        let mut drawn = drawn(directory.path(), [1, 2, 2, 3, 2].into_iter(), 100);
        assert!(!drawn.take(&line(1)), "nothing is read yet");
        assert_eq!(read(&mut drawn, None), 5);
        for (n, found) in [(2, true), (2, true), (1, true), (1, false), (4, false), (2, true), (2, false), (3, true)] {
            assert_eq!(drawn.take(&line(n)), found, "{n}");
        }
        assert!(drawn.knows_sensor("gw") && !drawn.knows_sensor("other"));
    }

    #[test]
    fn only_so_many_lines_wait() {
        let directory = tempfile::tempdir().unwrap();
        for (events, waiting) in [(99, 99), (100, 100), (101, 100)] {
            let mut drawn = drawn(directory.path(), 0..events, 100);
            assert_eq!(read(&mut drawn, None), waiting);
        }
    }

    /// A text log that begins late, or has no line for a long part of a journal, does not stop at a full queue.
    #[test]
    fn what_lies_far_behind_makes_room() {
        let directory = tempfile::tempdir().unwrap();
        let mut drawn = drawn(directory.path(), 0..20_000, 100);
        let late = Some(event(19_990).event.time);
        assert_eq!(read(&mut drawn, None), 100);
        assert!(!drawn.take(&line(19_990)));
        assert!(read(&mut drawn, late) > 16_000);
        assert!(!drawn.take(&line(19_990)), "within the slack there is no more room");
        assert!(drawn.take(&line(16_400)));
    }

    #[test]
    fn what_was_passed_is_forgotten_behind_a_margin() {
        let directory = tempfile::tempdir().unwrap();
        let mut drawn = drawn(directory.path(), 0..MARGIN + 3, 10_000);
        read(&mut drawn, None);
        assert!(drawn.take(&line(MARGIN + 1)));
        let place = drawn.places().next().unwrap().1;
        assert!(place > 0, "the first line is gone");
        assert!(!drawn.take(&line(0)));
        assert!(drawn.take(&line(1)));
    }
}
