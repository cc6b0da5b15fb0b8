//! Reading text logs: lines that a journal has too are passed over, the others imported.

use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use event::draw::LocalClock;
use event::import::{Importer, Refusal, keep};
use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};

use super::counters::{Counters, add};
use super::drawn::Drawn;
use super::follow::{Follower, Outcome, Tracked, Trouble};
use super::gaps::shorter;
use super::journals;
use super::label::Labels;
use super::names::{Form, Packing};
use super::reader::Reader;
use crate::store::{Gap, SourceId, Stored};

/// How long a line that was just written waits for a journal of this machine that may have it too: of a sensor whose
/// journal is read, or of one that was not heard of yet (its journal may be made a moment after its text log).
const PATIENCE: Duration = Duration::from_secs(3);

/// Lines from which on two threads are quicker than one.
const SHARED: usize = 1024;

/// Sensors without a journal here that are remembered; with one more all are forgotten, and wait again once.
const MAX_STRANGERS: usize = 4096;

/// Seed of the ids of imported events. Part of the format: the same line has the same id wherever it is read.
static SECRETS: RapidSecrets = RapidSecrets::seed(0x696d_706f_7274_6564);

/// Where the journals beside a text log stand is kept as the position of a source without events.
fn mark(text: &SourceId, journal: &SourceId) -> SourceId {
    SourceId(format!("{text}|{journal}"))
}

/// Whether a source is such a mark.
pub(super) fn is_mark(id: &SourceId) -> bool {
    id.0.contains('|')
}

/// What became of the lines of a portion.
#[derive(Default)]
struct Portion {
    /// Bytes that are done.
    bytes: usize,
    lines: usize,
    own: usize,
    /// Lines of other programs.
    foreign: Vec<Range<usize>>,
    /// The line behind them waits.
    until: Option<Instant>,
}

/// Reads a portion.
pub(super) fn step(follower: &mut Follower, name: &str, tracked: &mut Tracked) -> Result<Outcome, Trouble> {
    let Some(id) = tracked.id.clone() else { return Ok(Outcome::Done) };
    // No further than was seen: of what came since it is not known since when it waits for its journal.
    let seen = (tracked.file.packing == Packing::Plain).then(|| tracked.length());
    let reader = follower.reader(name, tracked)?;
    reader.fill(seen)?;
    for _ in 0..reader.take_long() {
        tracked.report.lines += 1;
        follower.refuse(tracked, Refusal::Long);
    }
    let Some(mut reader) = tracked.reader.take() else { return Ok(Outcome::Done) };
    if reader.lines().is_empty() {
        if !is_live(tracked) {
            tracked.drawn = None;
        }
        tracked.reader = Some(reader);
        return Ok(Outcome::Done);
    }
    let mut drawn = match tracked.drawn.take() {
        Some(drawn) => drawn,
        None => Drawn::new(tracked.file.day, LocalClock::new(follower.settings.zone.clone())),
    };
    beside(follower, &id, &mut drawn, true)?;
    let portion = judge(follower, tracked, &mut drawn, &reader, true)?;
    let events = import(follower, tracked, &reader, &portion);
    reader.consume(portion.bytes);
    let upto = reader.offset() - tracked.base;
    let counters = &follower.counters;
    add(&counters.text_lines, portion.lines);
    add(&counters.own_lines, portion.own);
    add(&counters.imported_lines, events.len());
    add(&counters.kept_lines, events.iter().filter(|stored| stored.line.is_some()).count());
    counters.read_bytes.fetch_add(portion.bytes as u64, Relaxed);
    tracked.report.lines += portion.lines as u64;
    follower.sink.absorb(&id, upto, events)?;
    // After the text: what a crash makes appear twice among the journal's lines is no text line any more.
    for (journal, place) in drawn.places() {
        let mark = mark(&id, journal);
        if follower.sink.position(&mark).unwrap_or(0) < place {
            follower.sink.absorb(&mark, place, Vec::new())?;
        }
    }
    (tracked.reader, tracked.drawn) = (Some(reader), Some(drawn));
    Ok(portion.until.map_or(Outcome::More, Outcome::Until))
}

/// Whether a text log is still written.
fn is_live(tracked: &Tracked) -> bool {
    tracked.file.packing == Packing::Plain && tracked.file.rotation == 0
}

/// Sees that every journal of the text log's time is read beside it.
fn beside(follower: &Follower, id: &SourceId, drawn: &mut Drawn, go_on: bool) -> Result<(), Trouble> {
    let day = drawn.day();
    for (name, journal) in &follower.files {
        let near = (journal.file.day - day).get_days().abs() <= 1;
        let Some(journal_id) =
            journal.id.as_ref().filter(|id| journal.file.form != Form::Text && near && !drawn.has(id))
        else {
            continue;
        };
        let from = if go_on { follower.sink.position(&mark(id, journal_id)).unwrap_or(0) } else { 0 };
        let path = follower.settings.log_dir.join(name);
        drawn.add(journal_id.clone(), &path, journal.file, from.max(journal.base))?;
    }
    Ok(())
}

/// Tells own lines from those of others, up to a line that has to wait.
fn judge(
    follower: &mut Follower,
    tracked: &Tracked,
    drawn: &mut Drawn,
    reader: &Reader,
    patient: bool,
) -> Result<Portion, Trouble> {
    let lines = reader.lines();
    let mut portion = Portion::default();
    // The earliest of some lines: one line with a wrong time makes no room.
    let Follower { converters: [converter, _], .. } = follower;
    let mut times = lines.split(|byte| *byte == b'\n').take(64).filter_map(|line| converter.importer.time_of(line));
    let first = times.next();
    let time = first.map(|first| times.fold(first, Ord::min));
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        let start = portion.bytes;
        let body = line.strip_suffix(b"\n").unwrap_or(line);
        let mut own = drawn.any() && drawn.take(body);
        while !own && drawn.any() {
            let limit = |name: &str| journals::limit(follower, name).ok();
            let Some(read) = drawn.read_on(time, limit)? else { break };
            journals::take(follower, read)?;
            own = drawn.take(body);
        }
        if own {
            portion.own += 1;
        } else if patient && let Some(until) = waits(follower, tracked, drawn, (reader.offset() + start as u64, body)) {
            portion.until = Some(until);
            break;
        } else {
            portion.foreign.push(start..start + body.len());
        }
        portion.lines += 1;
        portion.bytes += line.len();
    }
    Ok(portion)
}

/// Until when a line waits for the journal of a sensor on this machine.
fn waits(follower: &mut Follower, tracked: &Tracked, drawn: &Drawn, (offset, line): (u64, &[u8])) -> Option<Instant> {
    let since = tracked.since(offset)?;
    let rest = line.strip_prefix(b"\"").and_then(|rest| rest.get(memchr::memchr(b'"', rest)? + 2..));
    let sensor = std::str::from_utf8(rest?.split(|byte| *byte == b' ').next()?).ok()?;
    let stranger = || follower.strangers.contains(sensor);
    if !drawn.knows_sensor(sensor) && stranger() {
        return None;
    }
    let (now, until) = (Instant::now(), since + PATIENCE);
    if until > now {
        follower.waited = Some((tracked.file.day, offset));
        return Some(until);
    }
    // Only where a line of it did wait here is it a stranger: old files tell nothing of who writes now.
    if follower.waited.take() == Some((tracked.file.day, offset)) && !drawn.knows_sensor(sensor) {
        if follower.strangers.len() >= MAX_STRANGERS {
            follower.strangers.clear();
        }
        follower.strangers.insert(sensor.into());
    }
    None
}

/// Makes events of the lines of others, in two threads where there are many.
fn import(follower: &mut Follower, tracked: &mut Tracked, reader: &Reader, portion: &Portion) -> Vec<Stored> {
    let Follower { converters: [one, other], counters, .. } = follower;
    let lines = reader.lines();
    let line = |range: &Range<usize>| lines.get(range.clone()).unwrap_or_default();
    let convert = |converter: &mut Converter, ranges: &[Range<usize>]| {
        let mut events = Vec::with_capacity(ranges.len());
        for range in ranges {
            match converter.stored(counters, line(range)) {
                Ok(stored) => events.push(stored),
                Err(refusal) => counters.refuse(refusal),
            }
        }
        events
    };
    let events = if portion.foreign.len() < SHARED {
        convert(one, &portion.foreign)
    } else {
        let (first, second) = portion.foreign.split_at(portion.foreign.len() / 2);
        std::thread::scope(|scope| {
            let second = scope.spawn(|| convert(other, second));
            let mut events = convert(one, first);
            events.extend(second.join().unwrap_or_else(|fault| std::panic::resume_unwind(fault)));
            events
        })
    };
    tracked.report.refused += (portion.foreign.len() - events.len()) as u64;
    events
}

/// Makes events of lines.
pub(super) struct Converter {
    pub(super) importer: Importer,
    labels: Labels,
}

impl Converter {
    pub(super) fn new(clock: LocalClock) -> Converter {
        Converter { importer: Importer::new(clock), labels: Labels::default() }
    }

    fn stored(&mut self, counters: &Counters, line: &[u8]) -> Result<Stored, Refusal> {
        let Converter { importer, labels } = self;
        let mut imported = importer.read(line, |info, reference| labels.of(info, reference))?;
        add(&counters.invalid_utf8, usize::from(!imported.utf8));
        imported.event.id = line_id(line);
        let line = (!imported.exact).then(|| keep(line).into());
        Ok(Stored { event: imported.event, line })
    }
}

/// The id of an event that came as a line: sixteen hexadecimal digits of it.
pub(crate) fn line_id(line: &[u8]) -> String {
    let hash = rapidhash_v3_seeded(line, &SECRETS);
    let digit = |place: u32| char::from_digit((hash >> (60 - 4 * place)) as u32 & 15, 16).unwrap_or('0');
    (0..16).map(digit).collect()
}

/// Reads the bytes of a gap again. What a journal has too is found by reading all from the beginning.
pub(super) fn fill(follower: &mut Follower, name: &str, tracked: &Tracked, gap: &Gap) -> Result<(), Trouble> {
    let Some(id) = tracked.id.clone() else { return Ok(()) };
    let path = follower.settings.log_dir.join(name);
    let mut reader = Reader::open(&path, tracked.file, tracked.base)?;
    let mut drawn = Drawn::new(tracked.file.day, LocalClock::new(follower.settings.zone.clone()));
    beside(follower, &id, &mut drawn, false)?;
    let mut gap = gap.clone();
    while gap.range.from < gap.range.upto {
        reader.fill(Some(tracked.base + gap.range.upto))?;
        if reader.lines().is_empty() {
            return Err(shorter());
        }
        let mut portion = judge(follower, tracked, &mut drawn, &reader, false)?;
        let start = reader.offset() - tracked.base;
        portion.foreign.retain(|range| start + range.start as u64 >= gap.range.from);
        let Follower { converters: [converter, _], counters, .. } = follower;
        let line = |range: &Range<usize>| reader.lines().get(range.clone()).unwrap_or_default();
        let events = portion.foreign.iter().filter_map(|range| converter.stored(counters, line(range)).ok());
        let events: Vec<Stored> = events.collect();
        reader.consume(portion.bytes);
        let upto = reader.offset() - tracked.base;
        if upto > gap.range.from {
            follower.sink.fill(&gap, upto, events)?;
            gap.range.from = upto;
        }
    }
    Ok(())
}
