//! Standard input and FIFOs, which may be silent for long: reading waits for bytes or for the request to stop,
//! whichever comes first.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::capture::sys;
use crate::hooks::Control;

/// The error of a read that ended because the sensor is to stop: nothing is wrong with what was read.
#[derive(Debug, thiserror::Error)]
#[error("reading was ended by a request to stop")]
pub(super) struct Stopped;

/// One that is read.
pub(super) struct Pipe {
    file: File,
    control: Control,
    /// Readable after requests.
    woken: UnixStream,
}

/// Whether bytes of a path may come when somebody writes them, not all at once.
pub(crate) fn is_pipe(path: &Path) -> bool {
    let waits = |m: std::fs::Metadata| m.file_type().is_fifo() || m.file_type().is_char_device();
    path.as_os_str() == "-" || std::fs::metadata(path).is_ok_and(waits)
}

impl Pipe {
    /// Opens standard input (`-`), or a FIFO that may have no writer yet.
    pub(super) fn open(path: &Path, control: &Control) -> io::Result<Self> {
        let file = if path.as_os_str() == "-" {
            File::from(io::stdin().as_fd().try_clone_to_owned()?)
        } else {
            // A blocking open of a FIFO waits for its writer.
            OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?
        };
        Ok(Pipe { file, control: control.clone(), woken: control.waker()? })
    }
}

impl Read for Pipe {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.control.stopping() {
                return Err(io::Error::other(Stopped));
            }
            let [bytes, woken] = sys::wait_for_either(self.file.as_fd(), self.woken.as_fd())?;
            if woken {
                // However many requests there were, one look at them is enough.
                let _ = self.woken.read(&mut [0; 64]);
            } else if bytes {
                match self.file.read(into) {
                    Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                    other => return other,
                }
            }
        }
    }
}
