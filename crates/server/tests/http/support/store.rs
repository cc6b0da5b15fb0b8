//! Events in memory: what a store must do, in the plainest way.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use event::Event;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use server::Scope;
use server::store::{
    Appended, Batch, ChunkEntry, DayCount, EventStore, Followed, Manifest, Query, Scanned, Seen, StoreError, Stored,
};
use tokio::sync::watch;

/// Lines of one chunk.
const CHUNK: usize = 4;

/// How far back a live stream is served.
const TAIL: usize = 1000;

pub struct MemoryStore {
    zone: TimeZone,
    events: Mutex<Vec<Arc<Stored>>>,
    moved: watch::Sender<u64>,
    batches: Mutex<BTreeSet<String>>,
    /// Whether the disk is full.
    pub full: AtomicBool,
    /// Whether what was there at the start is still being read.
    pub reading: AtomicBool,
    /// How many lines scans have looked at.
    pub scanned: std::sync::atomic::AtomicU64,
    /// After how many lines scans fail.
    fails: std::sync::atomic::AtomicU64,
}

impl MemoryStore {
    pub fn new(zone: TimeZone) -> MemoryStore {
        MemoryStore {
            zone,
            events: Mutex::default(),
            moved: watch::Sender::new(0),
            batches: Mutex::default(),
            full: AtomicBool::new(false),
            reading: AtomicBool::new(false),
            scanned: Default::default(),
            fails: u64::MAX.into(),
        }
    }

    /// From now on scans fail after so many lines.
    pub fn fail_after(&self, lines: u64) {
        self.fails.store(lines, std::sync::atomic::Ordering::Relaxed);
    }

    /// Takes events.
    pub fn put(&self, events: impl IntoIterator<Item = Event>) {
        let events = events.into_iter().map(|event| Stored { event, line: None }).collect();
        self.append(&Batch { id: String::new(), events }).unwrap();
    }

    /// All events in the order in which they came.
    pub fn all(&self) -> Vec<Event> {
        self.events.lock().unwrap().iter().map(|stored| stored.event.clone()).collect()
    }

    fn visible(&self, scope: &Scope) -> Vec<Stored> {
        let events = self.events.lock().unwrap();
        let mut visible: Vec<Stored> = events.iter().filter_map(|e| Some(e.view(scope)?.into_owned())).collect();
        visible.sort_by_key(|stored| stored.event.time);
        visible
    }

    fn of_day(&self, day: Date, scope: &Scope) -> Vec<Stored> {
        let mut visible = self.visible(scope);
        visible.retain(|stored| stored.event.day(&self.zone) == day);
        visible
    }
}

impl EventStore for MemoryStore {
    fn append(&self, batch: &Batch) -> Result<Appended, StoreError> {
        if self.full.load(Ordering::SeqCst) {
            let source = std::io::ErrorKind::StorageFull.into();
            return Err(StoreError::Io { what: "cannot write".into(), source });
        }
        if !batch.id.is_empty() && !self.batches.lock().unwrap().insert(batch.id.clone()) {
            return Ok(Appended { written: 0, refused: 0, repeated: true });
        }
        let mut events = self.events.lock().unwrap();
        events.extend(batch.events.iter().cloned().map(Arc::new));
        let cursor = events.len() as u64;
        drop(events);
        self.moved.send_replace(cursor);
        Ok(Appended { written: batch.events.len() as u64, refused: 0, repeated: false })
    }

    fn days(&self, scope: &Scope) -> Result<Vec<DayCount>, StoreError> {
        let visible = self.visible(scope);
        let days: BTreeSet<Date> = visible.iter().map(|stored| stored.event.day(&self.zone)).collect();
        let count = |day: Date| {
            let of_day: Vec<&Stored> = visible.iter().filter(|s| s.event.day(&self.zone) == day).collect();
            let events = of_day.iter().map(|stored| stored.event.count).sum();
            DayCount { day, events, lines: of_day.len() as u64, sealed: false }
        };
        Ok(days.into_iter().map(count).collect())
    }

    fn manifest(&self, day: Date, scope: &Scope) -> Result<Manifest, StoreError> {
        let events = self.of_day(day, scope);
        if events.is_empty() {
            return Err(StoreError::Unknown(format!("event on {day}")));
        }
        let start = day.to_zoned(self.zone.clone()).unwrap();
        let chunk = |(number, slice): (usize, &[Stored])| ChunkEntry {
            name: format!("g{}-{number}", events.len()),
            rows: slice.len() as u64,
            bytes: 1,
        };
        Ok(Manifest {
            day,
            start: start.timestamp(),
            end: start.tomorrow().unwrap().timestamp(),
            generation: events.len() as u64,
            events: events.iter().map(|stored| stored.event.count).sum(),
            lines: events.len() as u64,
            rows: events.len() as u64,
            chunks: events.chunks(CHUNK).enumerate().map(chunk).collect(),
            cursor: self.events.lock().unwrap().len() as u64,
        })
    }

    fn chunk(&self, day: Date, name: &str, scope: &Scope) -> Result<Bytes, StoreError> {
        let events = self.of_day(day, scope);
        let unknown = || StoreError::Unknown(format!("chunk {name} of {day}"));
        let number = name.strip_prefix(&format!("g{}-", events.len())).and_then(|n| n.parse::<usize>().ok());
        let slice = events.chunks(CHUNK).nth(number.ok_or_else(unknown)?).ok_or_else(unknown)?;
        let text: String = slice.iter().map(|stored| stored.event.line(&self.zone) + "\n").collect();
        Ok(zstd::encode_all(text.as_bytes(), 3).unwrap().into())
    }

    fn caught_up(&self) -> bool {
        !self.reading.load(Ordering::SeqCst)
    }

    fn scan(&self, query: &Query, visit: &mut dyn FnMut(Seen<'_>) -> ControlFlow<()>) -> Result<Scanned, StoreError> {
        let mut events = self.visible(&query.scope);
        events.retain(|stored| (query.from..query.to).contains(&stored.event.time));
        if query.newest_first {
            events.reverse();
        }
        let total = events.len() as u64;
        for (done, stored) in (1..).zip(&events) {
            if done > self.fails.load(std::sync::atomic::Ordering::Relaxed) {
                return Err(StoreError::Damaged("a segment".into()));
            }
            self.scanned.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if query.filter.matches(stored, &self.zone) && visit(Seen::Event(stored)).is_break() {
                return Ok(Scanned { lines: done, stopped: true });
            }
            if visit(Seen::Progress { done, total }).is_break() {
                return Ok(Scanned { lines: done, stopped: true });
            }
        }
        Ok(Scanned { lines: total, stopped: false })
    }

    fn after(&self, cursor: u64, limit: usize) -> Followed {
        let events = self.events.lock().unwrap();
        let end = events.len() as u64;
        let from = usize::try_from(cursor).unwrap();
        if cursor > end || events.len() - from > TAIL {
            return Followed { events: Vec::new(), cursor: end, lost: true };
        }
        let events: Vec<Arc<Stored>> = events.iter().skip(from).take(limit).cloned().collect();
        Followed { cursor: cursor + events.len() as u64, events, lost: false }
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }
}

/// An event: at a time, from a source to a destination, about a name that is listed.
pub fn event(time: &str, src: &str, dst: &str, name: &str) -> Event {
    let time: Timestamp = time.parse().unwrap();
    let json = serde_json::json!({
        "v": 1, "id": format!("{time}-{src}-{name}"), "time": time, "last": time, "sensor": "edge", "src": [src],
        "src_ports": [50000], "dst": [dst], "dst_ports": [53], "protocol": 17, "kind": "DNS",
        "observed": { "text": format!("www.{name}"), "matched": [[4, 4 + name.len()]] }, "indicator": name,
        "info": "asyncrat (malware)", "reference": "(static)", "class": "malware", "severity": "high",
        "confidence": 80, "count": 1,
    });
    event::journal::parse(&json.to_string()).unwrap()
}
