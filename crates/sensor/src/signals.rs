//! SIGTERM and SIGINT stop, SIGHUP reloads.

use std::io;
use std::thread::JoinHandle;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use crate::hooks::Control;

/// Handles signals as long as it lives.
pub(crate) struct Handled {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

/// Hands signals on to `control`.
pub(crate) fn handle(control: Control) -> io::Result<Handled> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    let handle = signals.handle();
    let work = move || {
        for signal in signals.forever() {
            if signal == SIGHUP { control.reload() } else { control.stop() }
        }
    };
    let thread = Some(std::thread::Builder::new().name("signals".into()).spawn(work)?);
    Ok(Handled { handle, thread })
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
