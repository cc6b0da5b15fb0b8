//! The journal: every event without loss, one file a UTC day, owned by one process.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use event::Event;
use jiff::tz::TimeZone;

use super::LOG_DIR;
use super::lines::{Care, OpenDay, Torn};
use super::queue::Writer;

/// What a file of lines a day is like.
pub(super) trait Form: Send + 'static {
    const CARE: Care;
    /// The file an event belongs into.
    fn path(&self, event: &Event) -> PathBuf;
    /// The event as one line with its end.
    fn line(&self, event: &Event, into: &mut Vec<u8>);
}

/// Appends lines to the file of their day, one of which is open.
pub(super) struct Daily<F: Form> {
    form: F,
    open: OpenDay,
    lines: Vec<u8>,
    /// Where each line of `lines` ends.
    ends: Vec<usize>,
}

impl<F: Form> Daily<F> {
    pub(super) fn new(form: F) -> Self {
        Daily { form, open: OpenDay::default(), lines: Vec::new(), ends: Vec::new() }
    }

    pub(super) fn write(&mut self, events: &[Arc<Event>]) -> (usize, io::Result<()>) {
        let mut done = 0;
        while let Some(first) = events.get(done) {
            let path = self.form.path(first);
            let rest = events.get(done..).unwrap_or_default();
            let count = rest.iter().take_while(|e| self.form.path(e) == path).count();
            let (written, result) = self.write_day(&path, rest.get(..count).unwrap_or_default());
            done += written;
            if result.is_err() {
                return (done, result);
            }
        }
        (done, Ok(()))
    }

    fn write_day(&mut self, path: &Path, events: &[Arc<Event>]) -> (usize, io::Result<()>) {
        self.lines.clear();
        self.ends.clear();
        for event in events {
            self.form.line(event, &mut self.lines);
            self.ends.push(self.lines.len());
        }
        let (bytes, result) = self.open.append(path, F::CARE, &self.lines);
        (self.ends.iter().take_while(|end| **end <= bytes).count(), result)
    }
}

/// `LOG_DIR/events-YYYY-MM-DD.jsonl`.
pub(super) struct Journal(Daily<Json>);

struct Json {
    directory: PathBuf,
}

impl Journal {
    pub(super) fn new(directory: &Path) -> Self {
        Journal(Daily::new(Json { directory: directory.to_path_buf() }))
    }
}

impl Writer for Journal {
    fn write(&mut self, events: &[Arc<Event>]) -> (usize, io::Result<()>) {
        self.0.write(events)
    }
}

impl Form for Json {
    const CARE: Care = Care { torn: Torn::Drop, lock: true, setting: LOG_DIR };

    fn path(&self, event: &Event) -> PathBuf {
        let day = event.time.to_zoned(TimeZone::UTC).date();
        self.directory.join(format!("events-{day}.jsonl"))
    }

    fn line(&self, event: &Event, into: &mut Vec<u8>) {
        super::encode::json(event, into);
    }
}
