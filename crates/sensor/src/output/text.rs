//! The text log: one file a local day, named after the events' own time.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use event::Event;
use jiff::tz::TimeZone;

use super::LOG_DIR;
use super::journal::{Daily, Form};
use super::lines::{Care, Torn};
use super::queue::Writer;

/// `LOG_DIR/YYYY-MM-DD.log`.
pub(super) struct TextLog(Daily<Text>);

struct Text {
    directory: PathBuf,
    zone: TimeZone,
}

impl TextLog {
    pub(super) fn new(directory: &Path) -> Self {
        Self::in_zone(directory, TimeZone::system())
    }

    /// With the days of a time zone.
    pub(super) fn in_zone(directory: &Path, zone: TimeZone) -> Self {
        TextLog(Daily::new(Text { directory: directory.to_path_buf(), zone }))
    }
}

impl Writer for TextLog {
    fn write(&mut self, events: &[Arc<Event>]) -> (usize, io::Result<()>) {
        self.0.write(events)
    }
}

impl Form for Text {
    const CARE: Care = Care { torn: Torn::End, lock: false, setting: LOG_DIR };

    fn path(&self, event: &Event) -> PathBuf {
        let day = event.time.to_zoned(self.zone.clone()).date();
        self.directory.join(format!("{day}.log"))
    }

    fn line(&self, event: &Event, into: &mut Vec<u8>) {
        super::encode::text(event, &self.zone, into);
    }
}
