//! SIGTERM and SIGINT stop, SIGINT again ends by force, SIGHUP reloads.

use std::io;
use std::sync::Arc;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::board::{Board, lock};
use crate::hooks::{Control, Ending, EndingHook};

/// Hands signals on to `control`, and those that end the sensor to `ending` too; until the process ends, as what comes
/// after the last packet may get stuck too.
pub(crate) fn handle(control: Control, board: Arc<Board>, ending: Option<EndingHook>) -> io::Result<()> {
    let ending = ending.unwrap_or_else(|| Box::new(|_| {}));
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
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
    std::thread::Builder::new().name("signals".into()).spawn(work)?;
    Ok(())
}

fn unwritten(board: &Board) -> Ending {
    let outputs = lock(&board.outputs).iter().map(|(name, counters)| counters.counts(name.clone())).collect();
    Ending::Forced { outputs, held: lock(&board.pipeline).accounts.held }
}
