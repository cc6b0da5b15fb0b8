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
}

impl Drawn {
    /// For the text log of a local day.
    pub(super) fn new(day: Date, clock: LocalClock) -> Drawn {
        let (seeds, scratch) = (Seeds::default(), Vec::new());
        Drawn { day, clock, seeds, scratch, journals: Vec::new(), sensors: HashSet::default() }
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
                ahead.make_room(time.as_second());
            }
            if ahead.queue.len() >= MAX_AHEAD {
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
        let Drawn { day, clock, seeds, scratch, journals, sensors } = self;
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
            if ahead.queue.len() + fresh.len() >= MAX_AHEAD {
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
        let Drawn { day, clock, seeds, scratch, journals, sensors } = self;
        let Some(ahead) = journals.iter_mut().find(|ahead| ahead.id == *id) else { return Ok(()) };
        let room = ahead.queue.len() + handoff.events.len() <= MAX_AHEAD;
        if !room || ahead.reader.offset() != handoff.from || !ahead.reader.skip_to(handoff.upto)? {
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

    fn make_room(&mut self, second: i64) {
        while self.queue.len() >= MAX_AHEAD && self.queue.front().is_some_and(|line| line.second < second - SLACK) {
            self.drop_first();
        }
    }
}
