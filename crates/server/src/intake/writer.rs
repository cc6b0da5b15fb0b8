//! Lines of datagrams to events, and these to the record.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use event::draw::LocalClock;
use event::import::{Imported, Importer, Refusal, keep};
use jiff::tz::TimeZone;

use super::counters::{Counters, Way, add};
use super::datagram::{self, Epoch, Line};
use super::queue::{Chunk, Queue};
use super::tally::{Reason, Tally};
use crate::store::record::{Clock, Labels, Window, line_id};
use crate::store::{Batch, EventStore, Stored};

/// Bytes of lines that are written together.
const MOST: usize = 4 << 20;
/// Time between attempts while the record cannot be written.
const AGAIN: Duration = Duration::from_secs(1);

/// What a writer is told.
pub(super) struct WriterSettings {
    pub(super) zone: TimeZone,
    pub(super) window: Window,
    pub(super) clock: Clock,
}

/// Takes what waits and writes it.
pub(super) struct Writer {
    settings: WriterSettings,
    store: Arc<dyn EventStore>,
    queue: Arc<Queue>,
    counters: Arc<Counters>,
    reader: Reader,
}

impl Writer {
    pub(super) fn new(
        settings: WriterSettings,
        store: Arc<dyn EventStore>,
        queue: Arc<Queue>,
        counters: Arc<Counters>,
    ) -> Writer {
        let reader =
            Reader { importer: Importer::new(LocalClock::new(settings.zone.clone())), labels: Labels::default() };
        Writer { settings, store, queue, counters, reader }
    }

    /// Until the queue has ended and nothing waits.
    pub(super) fn run(mut self) {
        while let Some(chunks) = self.queue.take(MOST) {
            self.counters.queued_bytes.store(self.queue.bytes() as u64, Relaxed);
            self.write(&chunks);
        }
    }

    fn write(&mut self, chunks: &[Chunk]) {
        let mut batch = Batch::default();
        let mut refused = Tally::default();
        for line in chunks.iter().flat_map(|chunk| datagram::lines(chunk)) {
            match self.reader.stored(&line) {
                Ok(stored) => batch.events.push(stored),
                Err(refusal) => refused.add(Reason::Text(refusal), 1),
            }
        }
        self.counters.receive(Way::Udp, batch.events.len() as u64 + refused.total());
        if !batch.events.is_empty() {
            self.append(&batch, &mut refused);
        }
        self.counters.refuse(Way::Udp, &refused);
    }

    /// Tries until it is written, or nobody waits any longer.
    fn append(&self, batch: &Batch, refused: &mut Tally) {
        let mut failures = 0u32;
        loop {
            let last = self.queue.ended_within(Duration::ZERO);
            match self.store.append(batch) {
                Ok(appended) => {
                    self.counters.write(Way::Udp, appended.written);
                    refused.unfit(batch, &appended, (self.settings.window, (self.settings.clock)()));
                    if failures > 0 {
                        tracing::info!("the record can be written again");
                    }
                    return;
                }
                Err(error) => {
                    let events = batch.events.len();
                    add(&self.counters.retries, 1);
                    if last {
                        tracing::error!("{events} events of datagrams are lost: {error}");
                        add(&self.counters.dropped_record, events as u64);
                        return;
                    }
                    if failures == 0 {
                        tracing::error!("{events} events of datagrams wait for the record: {error}");
                    }
                    failures = failures.saturating_add(1);
                    // At the end it is tried once more.
                    let _ = self.queue.ended_within(AGAIN);
                }
            }
        }
    }
}

/// Makes events of lines.
struct Reader {
    importer: Importer,
    labels: Labels,
}

impl Reader {
    fn stored(&mut self, line: &Line<'_>) -> Result<Stored, Refusal> {
        let Reader { importer, labels } = self;
        let label = |info: &str, reference: &str| labels.of(info, reference);
        let Imported { mut event, exact, .. } = match line.epoch {
            Epoch::None => importer.read(line.text, label)?,
            Epoch::Wrong => return Err(Refusal::Time),
            Epoch::At(time) => {
                // The text has a fraction where senders give whole seconds: it is kept where it is of that second.
                let told = importer.time_of(line.text).filter(|told| {
                    time.subsec_nanosecond() == 0
                        && told.as_second() == time.as_second()
                        && told.subsec_nanosecond() >= 0
                });
                importer.read_at(line.text, told.unwrap_or(time), label)?
            }
        };
        event.id = line_id(line.text);
        Ok(Stored { event, line: (!exact).then(|| keep(line.text).into()) })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    fn read(zone: &str, datagram: &str) -> Vec<Result<Stored, Refusal>> {
        let clock = LocalClock::new(TimeZone::get(zone).unwrap());
        let mut reader = Reader { importer: Importer::new(clock), labels: Labels::default() };
        datagram::lines(datagram.as_bytes()).map(|line| reader.stored(&line)).collect()
    }

    const LINE: &str = r#""2026-01-02 03:04:05.600000" gw 10.0.0.5 40000 8.8.8.8 53 UDP DNS (www).evil.example "asyncrat (malware)" (static)"#;

    #[test]
    fn the_epoch_decides_the_time() {
        for (zone, epoch, time, exact) in [
            // Whole seconds of the same time: the fraction of the text is kept.
            ("UTC", "1767323045 ", "2026-01-02T03:04:05.6Z", true),
            ("UTC", "1767323045.25 ", "2026-01-02T03:04:05.25Z", false),
            ("UTC", "1767323046 ", "2026-01-02T03:04:06Z", false),
            ("UTC", "1767000000 ", "2025-12-29T09:20:00Z", false),
            ("UTC", "", "2026-01-02T03:04:05.6Z", true),
            ("Europe/Vienna", "1767323045 ", "2026-01-02T03:04:05Z", false),
            ("Europe/Vienna", "", "2026-01-02T02:04:05.6Z", true),
        ] {
            let read = read(zone, &format!("{epoch}{LINE}\n"));
            let stored = read[0].as_ref().unwrap();
            assert_eq!(stored.event.time, time.parse().unwrap(), "{zone} {epoch}");
            assert_eq!(stored.line.as_deref(), (!exact).then_some(LINE), "{zone} {epoch}");
            assert_eq!(stored.event.class, "malware");
            assert_eq!(stored.event.id, line_id(LINE.as_bytes()));
        }
    }

    #[test]
    fn what_is_no_line_says_why() {
        let read = read("UTC", "hello\n99999999999999 x\n1 \"2026\n1 2 3 4 5 6 7 8 9 10\n");
        let reasons: Vec<Refusal> = read.into_iter().map(|line| line.unwrap_err()).collect();
        assert_eq!(reasons, [Refusal::Columns, Refusal::Time, Refusal::Quote, Refusal::Kind]);
    }
}
