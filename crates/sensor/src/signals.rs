//! SIGTERM and SIGINT stop, SIGINT again ends by force, SIGHUP reloads.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use crate::board::{Board, lock};
use crate::hooks::{Control, Ending, EndingHook};

/// Handles signals as long as it lives.
pub(crate) struct Handled {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

/// Hands signals on to `control`, and those that end the sensor to `ending` too.
pub(crate) fn handle(control: Control, board: Arc<Board>, ending: Option<EndingHook>) -> io::Result<Handled> {
    let ending = ending.unwrap_or_else(|| Box::new(|_| {}));
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    let handle = signals.handle();
    let work = move || {
        for signal in signals.forever() {
            match (signal, control.stopping()) {
                (SIGHUP, _) => control.reload(),
                (SIGINT, true) => ending(unwritten(&board)),
                (_, true) => {}
                (_, false) => {
                    control.stop();
                    ending(Ending::Asked);
                }
            }
        }
    };
    let thread = Some(std::thread::Builder::new().name("signals".into()).spawn(work)?);
    Ok(Handled { handle, thread })
}

fn unwritten(board: &Board) -> Ending {
    let outputs = lock(&board.outputs).iter().map(|(name, counters)| counters.counts(name.clone())).collect();
    Ending::Forced { outputs, held: lock(&board.pipeline).accounts.held }
}

impl Drop for Handled {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            // It only hands requests on.
            let _ = thread.join();
        }
    }
}
