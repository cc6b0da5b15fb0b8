//! Where events go. Every output has its own thread and bounded queue, and accounts for each event it was offered.

pub(crate) mod directory;
pub(crate) mod encode;
mod journal;
mod lines;
mod observables;
mod queue;
mod send;
#[cfg(test)]
mod tests;
mod text;

use std::io;
use std::path::Path;
use std::sync::Arc;

use event::Event;

use crate::SensorError;
use crate::hooks::MessageHook;
use crate::push::Spooling;
use crate::settings::{Destination, SeverityPattern};
use crate::summary::OutputCounts;
pub(crate) use lines::{Care, Lines, Torn};
pub(crate) use observables::ObservableLog;
pub(crate) use queue::{Counters, Full, Queue, Writer};

/// The setting of the log directory, for messages.
const LOG_DIR: &str = "LOG_DIR";

/// Events that wait for one output at most.
pub(crate) const QUEUE_EVENTS: usize = 65_536;

/// Takes whole lines for good.
pub(crate) trait LineLog: Send {
    /// Appends lines in order; says how many bytes of them stand there for good, and why not all.
    fn append(&mut self, lines: &[u8]) -> (usize, io::Result<()>);
}

/// All queued outputs.
#[derive(Default)]
pub(crate) struct Outputs {
    queues: Vec<Queue>,
}

/// Which outputs there are.
pub(crate) struct OutputSettings<'a> {
    /// Of the logs; none: no logs.
    pub(crate) directory: Option<&'a Path>,
    pub(crate) text: bool,
    pub(crate) journal: bool,
    pub(crate) destinations: &'a [Destination],
    pub(crate) severity: Option<&'a Arc<SeverityPattern>>,
    /// Of what is pushed to a server; none: nothing is.
    pub(crate) spool: Option<Spooling>,
    pub(crate) full: Full,
}

impl Outputs {
    /// Opens the log directory and starts a queue for each output.
    pub(crate) fn open(settings: &OutputSettings<'_>, message: &MessageHook) -> Result<Self, SensorError> {
        let mut queues = Vec::new();
        if let Some(directory) = settings.directory {
            directory::prepare(directory)
                .map_err(|source| SensorError::LogDirectory { path: directory.to_path_buf(), source })?;
            if settings.text {
                queues.push(Queue::start("log", text::TextLog::new(directory), settings.full, message.clone())?);
            }
            if settings.journal {
                queues.push(Queue::start("journal", journal::Journal::new(directory), settings.full, message.clone())?);
            }
        }
        if let Some(spool) = &settings.spool {
            queues.push(Queue::start("spool", spool.clone(), settings.full, message.clone())?);
        }
        for destination in settings.destinations {
            let name = format!("{} {destination}", destination.kind());
            let writer = send::Datagrams::new(destination.clone(), settings.severity.cloned());
            queues.push(Queue::start(&name, writer, settings.full, message.clone())?);
        }
        Ok(Outputs { queues })
    }

    pub(crate) fn offer(&mut self, event: Event) {
        if self.queues.is_empty() {
            return;
        }
        let event = Arc::new(event);
        for queue in &mut self.queues {
            queue.offer(&event);
        }
    }

    /// Counters of each, for metrics.
    pub(crate) fn counters(&self) -> Vec<(Arc<str>, Arc<Counters>)> {
        self.queues.iter().map(Queue::counters).collect()
    }

    /// Writes what waits and stops. `console`: events that were shown, if there is a console.
    pub(crate) fn finish(self, console: Option<u64>) -> Vec<OutputCounts> {
        let shown =
            console.map(|n| OutputCounts { name: "console".into(), offered: n, delivered: n, ..Default::default() });
        self.queues.into_iter().map(Queue::finish).chain(shown).collect()
    }
}
