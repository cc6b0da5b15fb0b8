//! Hosts files that lead names nowhere: `0.0.0.0 name name`.

use std::io::{self, BufRead};
use std::net::IpAddr;

use serde::Deserialize;

use super::lines::each_line;
use super::{Passed, Row};

/// Settings of the format: there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hosts {}

/// Names that stand in every hosts file and list nothing.
const OWN: [&str; 3] = ["localhost", "localhost.localdomain", "localhost6.localdomain6"];

impl Hosts {
    #[allow(clippy::unused_self)] // As all formats.
    pub(super) fn read(&self, body: &mut dyn BufRead, sink: &mut dyn FnMut(Row<'_>)) -> io::Result<Passed> {
        let mut passed = Passed::default();
        let mut malformed = 0;
        each_line(body, &mut passed, &mut |number, line| {
            let line = line.split_once('#').map_or(line, |(before, _)| before);
            let mut words = line.split_whitespace();
            let Some(first) = words.next() else { return };
            let nowhere = first.parse().is_ok_and(|to: IpAddr| to.is_unspecified() || to.is_loopback());
            if !nowhere {
                malformed += 1;
                return;
            }
            for text in words.filter(|name| !OWN.contains(name)) {
                sink(Row { text, info: None, reference: None, lists: None, line: number });
            }
        })?;
        passed.malformed = malformed;
        Ok(passed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_nowhere() {
        let body =
            "# list\n127.0.0.1\tlocalhost\n0.0.0.0 a.example b.example # two\n::1 c.example\n192.0.2.1 own.example\n\n";
        let mut rows = Vec::new();
        let passed =
            Hosts {}.read(&mut body.as_bytes(), &mut |row| rows.push((row.line, row.text.to_owned()))).unwrap();
        assert_eq!(rows, [(3, "a.example".into()), (3, "b.example".into()), (4, "c.example".into())]);
        assert_eq!(passed.malformed, 1, "an entry that leads somewhere");
    }
}
