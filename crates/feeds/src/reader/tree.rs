//! An archive (tar) of a tree of trail files: the path of a file gives the info of its lines.
//!
//! Nothing is written anywhere, so a path can lead nowhere; it is looked at for its names only.

use std::io::{self, BufRead, BufReader, Read};
use std::path::{Component, Path};

use serde::Deserialize;
use trails::indicator::{Line, line};

use super::lines::each_line;
use super::{Passed, Row};

/// Most entries of an archive.
pub const MAX_ENTRIES: u64 = 100_000;

/// Settings of the format.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tree {
    /// The directory whose `.txt` files are read, at any depth of the archive: `trails/static`.
    pub directory: String,
}

impl Tree {
    pub(super) fn read(&self, body: &mut dyn BufRead, sink: &mut dyn FnMut(Row<'_>)) -> io::Result<Passed> {
        let mut passed = Passed::default();
        let mut archive = tar::Archive::new(body);
        // Raw: names of another length than the header's are entries of their own, and not kept in memory.
        let entries = archive.entries()?.raw(true);
        for (count, entry) in (1..).zip(entries) {
            if count > MAX_ENTRIES {
                return Err(io::Error::other(format!("an archive of more than {MAX_ENTRIES} files")));
            }
            let entry = entry?;
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let path = entry.path()?.into_owned();
            if self.holds(&path) {
                file(&path, entry, &mut passed, sink)?;
            }
        }
        Ok(passed)
    }

    /// Whether a path leads downwards only, through the directory, to a text file.
    fn holds(&self, path: &Path) -> bool {
        let plain = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        let text = path.extension().is_some_and(|extension| extension == "txt");
        let below = path.ancestors().skip(1).any(|parent| parent.ends_with(&self.directory));
        plain && text && below
    }
}

fn file(path: &Path, entry: impl Read, passed: &mut Passed, sink: &mut dyn FnMut(Row<'_>)) -> io::Result<()> {
    let info = trails::read::info_of(path);
    let mut over = Passed::default();
    each_line(&mut BufReader::new(entry), &mut over, &mut |number, text| {
        if let Line::Text(text) = line(text) {
            sink(Row { text, info: Some(&info), reference: None, lists: None, line: number });
        }
    })?;
    passed.long += over.long;
    passed.encoding += over.encoding;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(files: &[(&str, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, text) in files {
            let mut header = tar::Header::new_ustar();
            header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            header.set_entry_type(tar::EntryType::Regular);
            header.set_cksum();
            builder.append(&header, text.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn rows(body: &[u8]) -> io::Result<Vec<String>> {
        let mut rows = Vec::new();
        let tree = Tree { directory: "trails/static".into() };
        tree.read(&mut &*body, &mut |row| rows.push(format!("{} {} {}", row.line, row.text, row.info.unwrap())))?;
        Ok(rows)
    }

    #[test]
    fn files_of_the_directory() {
        let tree = archive(&[
            ("maltrail-master/README.txt", "readme.example"),
            (
                "maltrail-master/trails/static/malware/quiet_fox-2.txt",
                "# Reference: x\n\nevil.example # c2\n192.0.2.1:443\n",
            ),
            ("maltrail-master/trails/static/mass_scanner.txt", "198.51.100.7\n"),
            ("maltrail-master/trails/static/malware/notes.md", "notes.example"),
            ("maltrail-master/trails/static/../../../etc/x.txt", "dots.example"),
            ("/trails/static/root.txt", "root.example"),
        ]);
        let expected = [
            "3 evil.example quiet fox (malware)",
            "4 192.0.2.1:443 quiet fox (malware)",
            "1 198.51.100.7 mass scanner",
        ];
        assert_eq!(rows(&tree).unwrap(), expected);
        assert!(rows(&tree[..tree.len() - 1536 - 100]).is_err(), "cut off");
        assert!(rows(b"<html>").is_err() || rows(b"<html>").unwrap().is_empty());
    }

    #[test]
    fn an_archive_has_limits() {
        // Headers of empty files, one after the other, without building the archive in memory.
        let one = archive(&[("x", "")]);
        let header = &one[..512];
        for (count, fails) in [(MAX_ENTRIES - 1, false), (MAX_ENTRIES, false), (MAX_ENTRIES + 1, true)] {
            let mut headers = BufReader::new(Repeat { header, left: count * 512, at: 0 });
            let tree = Tree { directory: "trails/static".into() };
            assert_eq!(tree.read(&mut headers, &mut |_| {}).is_err(), fails, "{count}");
        }
    }

    struct Repeat<'h> {
        header: &'h [u8],
        left: u64,
        at: usize,
    }

    impl Read for Repeat<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let part = &self.header[self.at..];
            let count = part.len().min(buffer.len()).min(usize::try_from(self.left).unwrap());
            buffer[..count].copy_from_slice(&part[..count]);
            self.at = (self.at + count) % self.header.len();
            self.left -= count as u64;
            Ok(count)
        }
    }
}
