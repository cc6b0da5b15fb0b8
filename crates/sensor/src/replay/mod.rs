//! Capture files as one stream, through one worker on this thread or through several.
//!
//! With several, the reader deals frames by address pair into batches of one round; the rounds' findings and ticks are
//! put in the order of capture again. Ticks come at the same packets for any number of workers, so events do too.

mod inline;
mod round;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ::packet::{Frame, Micros};
use detect::Finding;
use detect::detectors::Batch;

use crate::SensorError;
use crate::board::Board;
use crate::capture::file::list::{Listed, expand};
use crate::capture::file::{Damage, DamageKind, Reader, is_pipe};
use crate::capture::filter::FileFilter;
use crate::clock::{Clock, Tick};
use crate::hooks::{Control, Level, MessageHook, Progress, ProgressHook};
use crate::reload::Reloader;
use crate::run::summary_of;
use crate::sink::Sink;
use crate::summary::{CaptureProblem, Summary};
use crate::worker::Parts;
use inline::Inline;
use round::Dealer;

/// Packets between looks at the clock on the wall, at requests, and at what was found.
const ROUND: u64 = 4096;
/// Time between calls of the progress hook.
const PROGRESS: Duration = Duration::from_millis(200);

/// Everything a replay needs.
pub(crate) struct Replay<'a> {
    pub(crate) paths: &'a [PathBuf],
    pub(crate) workers: usize,
    pub(crate) filter: Option<&'a str>,
    pub(crate) parts: Parts,
    pub(crate) board: Arc<Board>,
    pub(crate) control: Control,
    pub(crate) progress: Option<ProgressHook>,
    pub(crate) message: MessageHook,
    pub(crate) reloader: Reloader,
}

/// Who takes the frames of the stream.
trait Taker {
    /// One frame; `tick` comes before it.
    fn frame(&mut self, frame: &Frame<'_>, sequence: u64, tick: Option<Tick>);
    /// Runs a part of the stream. `None`: it ended early because a frame made a worker panic. The next part goes on with
    /// the frame after it.
    fn attempt<R>(&mut self, part: impl FnOnce(&mut Self) -> R) -> Option<R>;
    /// After the last frame: its time, and how many there were. A round comes after it.
    fn end(&mut self, time: Micros, sequence: u64);
    /// A frame that the filter leaves out.
    fn filtered(&mut self, frame: &Frame<'_>);
    /// Every [`ROUND`] packets and at the end: findings go on.
    ///
    /// # Errors
    /// Workers failed too often.
    fn round(&mut self) -> Result<(), SensorError>;
}

/// Puts findings in an order that is the same for any number of workers: by packet; before those of a packet, those of
/// what waited in vain until then, by flow. Findings of one packet keep their order.
fn in_order(findings: &mut [Finding]) {
    findings.sort_by_key(|finding| (finding.sequence, !finding.late, finding.late.then_some(finding.flow)));
}

/// Adds what detectors find in what workers told.
fn weigh(sink: &mut Sink, evidence: &mut Batch, found: &mut Vec<Finding>) {
    if !evidence.is_empty() {
        evidence.sort_by_packet();
        sink.weigh(evidence, found);
        evidence.clear();
    }
}

/// Reads all files.
///
/// # Errors
/// There is none to read, the filter is wrong, or workers failed too often.
pub(crate) fn run(replay: Replay<'_>, sink: Sink) -> Result<Summary, SensorError> {
    let files = expand(replay.paths);
    if files.is_empty() {
        let paths = replay.paths.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", ");
        return Err(SensorError::NoCaptures { paths });
    }
    let filter = replay.filter.map(FileFilter::new).transpose()?;
    let mut stream = Stream {
        clock: Clock::default(),
        sequence: 0,
        last: Micros::default(),
        filter,
        control: replay.control,
        progress: Meter::new(replay.progress, sink.events(), &files),
        message: replay.message,
        reloader: replay.reloader,
        news: 0,
        problems: Vec::new(),
        files: 0,
        piped: false,
    };
    let finished = if replay.workers <= 1 {
        let mut inline = Inline::new(replay.parts, replay.board, sink);
        stream.read(&files, &mut inline)?;
        inline.finish()
    } else {
        let mut dealer = Dealer::start(replay.workers, &replay.parts, &replay.board, sink)?;
        let read = stream.read(&files, &mut dealer);
        let done = dealer.finish()?;
        read?;
        done
    };
    stream.progress.show(0, stream.sequence);
    let Stream { problems, files, clock, .. } = stream;
    let (clock_steps, first, last) = (clock.steps(), clock.first(), clock.greatest());
    Ok(summary_of(finished, Summary { problems, files, clock_steps, first, last, ..Summary::default() }))
}

/// The stream of all files.
struct Stream {
    clock: Clock,
    sequence: u64,
    /// Time of the last frame.
    last: Micros,
    filter: Option<FileFilter>,
    control: Control,
    progress: Meter,
    message: MessageHook,
    reloader: Reloader,
    /// Requests that were seen to.
    news: u64,
    problems: Vec<CaptureProblem>,
    files: u64,
    /// The file being read is a pipe.
    piped: bool,
}

impl Stream {
    fn read(&mut self, files: &[Listed], taker: &mut impl Taker) -> Result<(), SensorError> {
        for file in files {
            if self.control.stopping() {
                break;
            }
            self.file(file, taker)?;
        }
        taker.end(self.last, self.sequence);
        taker.round()
    }

    fn file(&mut self, file: &Listed, taker: &mut impl Taker) -> Result<(), SensorError> {
        let before = self.sequence;
        let mut reader = match Reader::open(&file.path, &self.control) {
            Ok(reader) => reader,
            Err(damage) if damage.is_stop() => return Ok(()),
            Err(damage) => {
                self.problem(file, &damage, before, true);
                return Ok(());
            }
        };
        self.files += 1;
        self.piped = is_pipe(&file.path);
        while !self.control.stopping() {
            let more = taker.attempt(|taker| self.some(&mut reader, taker)).unwrap_or(Ok(true));
            if self.progress.tick(reader.bytes_read(), self.sequence) {
                self.reloader.look();
            }
            if self.control.news() != self.news {
                self.news = self.control.news();
                self.reloader.now_if_asked();
            }
            taker.round()?;
            match more {
                Ok(true) => {}
                Ok(false) => break,
                Err(damage) if damage.is_stop() => break,
                Err(damage) => {
                    self.problem(file, &damage, before, false);
                    break;
                }
            }
        }
        self.progress.file_done(reader.bytes_read());
        Ok(())
    }

    /// Up to a round of frames; false at the end of the file.
    fn some(&mut self, reader: &mut Reader, taker: &mut impl Taker) -> Result<bool, Damage> {
        let mut left = ROUND;
        while left > 0 {
            reader.ready(|frame| {
                self.frame(frame, taker);
                left -= 1;
                left > 0 && self.control.news() == self.news
            });
            // What comes through a pipe may come slowly: what was found is told before waiting.
            if left == 0 || self.control.news() != self.news || self.piped && left < ROUND && reader.drained() {
                break;
            }
            let Some(frame) = reader.frame()? else { return Ok(false) };
            self.frame(&frame, taker);
            left -= 1;
        }
        Ok(true)
    }

    #[inline(always)]
    fn frame(&mut self, frame: &Frame<'_>, taker: &mut impl Taker) {
        if let Some(filter) = &mut self.filter
            && !filter.passes(frame)
        {
            taker.filtered(frame);
            return;
        }
        let tick = self.clock.packet(frame.time);
        self.last = frame.time;
        let sequence = self.sequence;
        self.sequence += 1;
        taker.frame(frame, sequence, tick);
    }

    fn problem(&mut self, file: &Listed, damage: &Damage, before: u64, unusable: bool) {
        let passed_over = !file.named && matches!(damage.kind, DamageKind::Unknown(_) | DamageKind::Compression(_));
        let packets = self.sequence - before;
        let mut text = damage.to_string();
        if !unusable {
            text = format!("{text} ({packets} packets before it were used)");
        }
        let level = if passed_over { Level::Info } else { Level::Warning };
        (self.message)(level, &format!("{}: {text}", shown(&file.path)));
        if !passed_over {
            self.problems.push(CaptureProblem { path: file.path.clone(), packets, text, unusable });
        }
    }
}

fn shown(path: &Path) -> String {
    if path.as_os_str() == "-" { "standard input".into() } else { path.display().to_string() }
}

/// Calls the progress hook now and then.
struct Meter {
    hook: Option<ProgressHook>,
    events: Arc<AtomicU64>,
    total: Option<u64>,
    earlier_files: u64,
    shown: Instant,
}

impl Meter {
    fn new(hook: Option<ProgressHook>, events: Arc<AtomicU64>, files: &[Listed]) -> Self {
        let size = |f: &Listed| fs::metadata(&f.path).ok().filter(fs::Metadata::is_file).map(|m| m.len());
        let total = hook.as_ref().and_then(|_| files.iter().map(size).sum());
        Meter { hook, events, total, earlier_files: 0, shown: Instant::now() }
    }

    /// Says whether it was time to.
    fn tick(&mut self, bytes: u64, packets: u64) -> bool {
        let due = self.shown.elapsed() >= PROGRESS;
        if due {
            self.show(bytes, packets);
        }
        due
    }

    fn file_done(&mut self, bytes: u64) {
        self.earlier_files += bytes;
    }

    fn show(&mut self, bytes: u64, packets: u64) {
        let events = self.events.load(Ordering::Relaxed);
        let progress = Progress { bytes: self.earlier_files + bytes, total: self.total, packets, events };
        if let Some(hook) = &mut self.hook {
            hook(progress);
        }
        self.shown = Instant::now();
    }
}
