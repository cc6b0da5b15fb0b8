//! `LOG_DIR/cleared.txt`: what the analyst cleared and what must never be blocked. One address, network, range or name
//! a line; `#` begins a comment.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::entry::Entry;
use crate::Scope;

/// Longest file, bytes. A longer one is an error: half of it would have the other half blocked.
pub const MAX_CLEARED_BYTES: u64 = 4 << 20;

/// Addresses and names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cleared {
    addresses: Option<Scope>,
    /// A name stands for the names below it too.
    names: BTreeSet<String>,
}

impl Cleared {
    /// Reads the file; none is an empty one.
    ///
    /// # Errors
    /// It is there and cannot be read, or is too long.
    pub fn read(path: &Path) -> io::Result<Cleared> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Cleared::default()),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.take(MAX_CLEARED_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_CLEARED_BYTES {
            return Err(io::Error::other(format!("it is longer than {MAX_CLEARED_BYTES} bytes")));
        }
        Ok(Cleared::parse(&String::from_utf8_lossy(&bytes)))
    }

    /// Reads its text. What is no address is a name.
    #[must_use]
    pub fn parse(text: &str) -> Cleared {
        let mut cleared = Cleared::default();
        let mut addresses = Vec::new();
        let lines = text.lines().map(|line| line.split_once('#').map_or(line, |(before, _)| before));
        for word in lines.flat_map(|line| line.split([' ', '\t', ',', ';'])).map(str::trim).filter(|w| !w.is_empty()) {
            match Scope::parse(word) {
                Ok(_) => addresses.push(word),
                Err(_) => {
                    let name = word.strip_prefix("*.").unwrap_or(word).trim_matches('.');
                    cleared.names.insert(name.to_ascii_lowercase());
                }
            }
        }
        if !addresses.is_empty() {
            cleared.addresses = Scope::parse(&addresses.join(",")).ok();
        }
        cleared
    }

    /// Whether an entry must not be listed.
    #[must_use]
    pub fn contains(&self, entry: &Entry) -> bool {
        if let Some(address) = entry.as_address() {
            return self.addresses.as_ref().is_some_and(|addresses| addresses.contains(address));
        }
        let mut name = entry.as_name();
        while let Some(here) = name {
            if self.names.contains(here) {
                return true;
            }
            name = here.split_once('.').map(|(_, above)| above);
        }
        false
    }
}
