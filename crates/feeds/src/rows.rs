//! From what a reader finds to what a feed says: the description's changes of the text, and the info as it is shown.
//!
//! Infos come from strangers and end in event lines: they are made short and plain here, once.

use std::io::{self, BufRead};

use jiff::Timestamp;
use serde::Deserialize;

use crate::reader::{self, Passed, Row};
use crate::spec::{INFO, Spec};

/// Longest text that stands for `{info}`, characters.
pub const MAX_INFO: usize = 64;
/// What feeds write where they do not know.
const UNKNOWN: [&str; 7] = ["none", "n/a", "na", "null", "unknown", "unknown malware", "generic"];

/// A change of a row's text, before it is parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// `hxxp://evil[.]example` -> `http://evil.example`.
    Refang,
    /// `http://evil.example/a?b#c` -> `http://evil.example/a`.
    DropQuery,
    /// `http://evil.example/a/b.php` -> `http://evil.example/a/`.
    DropLastElement,
    /// `192.0.2.1:443`, `[2001:db8::1]:443` -> the address alone.
    DropPort,
    /// `http://evil.example/` -> `evil.example`: a URL of nothing but a host becomes the host, which more of its traffic
    /// shows.
    HostAlone,
}

impl Change {
    fn apply(self, text: &str) -> Option<String> {
        let (scheme, rest) = match text.find("://") {
            Some(at) => text.split_at_checked(at + 3)?,
            None => ("", text),
        };
        let kept = match self {
            Change::Refang => return refang(text),
            Change::DropQuery => text.split(['?', '#']).next()?,
            Change::DropLastElement => {
                let end = rest.rfind('/')? + 1;
                text.get(..scheme.len() + end)?
            }
            Change::DropPort => match text.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
                Some((address, _)) => address,
                None => text.split_once(':').filter(|(_, port)| !port.contains(':'))?.0,
            },
            Change::HostAlone => {
                let host = rest.trim_end_matches('/');
                if host.contains(['/', '?', '#']) {
                    return None;
                }
                host
            }
        };
        (kept != text).then(|| kept.to_owned())
    }
}

fn refang(text: &str) -> Option<String> {
    const SIGNS: [(&str, &str); 8] = [
        ("[.]", "."),
        ("(.)", "."),
        ("{.}", "."),
        ("[dot]", "."),
        ("[:]", ":"),
        ("[://]", "://"),
        ("[/]", "/"),
        ("[@]", "@"),
    ];
    let mut out = text.to_owned();
    for (sign, plain) in SIGNS {
        if out.contains(sign) {
            out = out.replace(sign, plain);
        }
    }
    if let Some((head, rest)) = out.split_at_checked(4)
        && head.eq_ignore_ascii_case("hxxp")
    {
        out = format!("http{rest}");
    }
    (out != text).then_some(out)
}

/// What a row says of itself, as it is shown: lower case, letters, digits and signs that end no column, at most
/// [`MAX_INFO`] characters, without the texts of `drop`.
fn clean(raw: &str, drop: &[String]) -> String {
    let plain = |c: char| match c {
        ',' | ';' | '"' | '\'' | '`' | '|' => ' ',
        c if c.is_alphanumeric() || c.is_ascii_graphic() => c,
        _ => ' ',
    };
    let mut text: String = raw.chars().take(MAX_INFO * 4).flat_map(char::to_lowercase).map(plain).collect();
    for part in drop {
        text = text.replace(part.as_str(), " ");
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let text: String = words.join(" ").chars().take(MAX_INFO).collect();
    match text.trim_end() {
        text if UNKNOWN.contains(&text) => String::new(),
        text => text.to_owned(),
    }
}

/// The info of rows, made anew only where a row says something else than the one before.
struct Infos<'s> {
    spec: &'s Spec,
    raw: Option<String>,
    info: String,
}

impl Infos<'_> {
    fn of(&mut self, raw: Option<&str>) -> &str {
        if self.info.is_empty() || self.raw.as_deref() != raw {
            self.raw = raw.map(str::to_owned);
            self.info = self.spec.info_of(raw);
        }
        &self.info
    }
}

impl Spec {
    /// Reads the feed; `sink` takes its rows in order, each with the info that its trail gets. What the feed says is over
    /// at `now` gives no row.
    ///
    /// # Errors
    /// Reading failed, or a format that is one document (JSON) is none.
    pub fn rows(&self, now: Timestamp, body: &mut dyn BufRead, sink: &mut dyn FnMut(Row<'_>)) -> io::Result<Passed> {
        let mut infos = Infos { spec: self, raw: None, info: String::new() };
        reader::read(&self.read, now, body, &mut |row| {
            let mut changed: Option<String> = None;
            for change in &self.transform {
                if let Some(text) = change.apply(changed.as_deref().unwrap_or(row.text)) {
                    changed = Some(text);
                }
            }
            let text = changed.as_deref().unwrap_or(row.text);
            // A row that names another's list brings that list's info.
            let info = if row.reference.is_some() { row.info } else { Some(infos.of(row.info)) };
            sink(Row { text, info, ..row });
        })
    }

    /// The info of a trail, by what its row says of itself.
    #[must_use]
    pub fn info_of(&self, raw: Option<&str>) -> String {
        if !self.info.contains(INFO) {
            return self.info.clone();
        }
        let said = raw.map(|raw| clean(raw, &self.info_drop)).filter(|said| !said.is_empty());
        said.map_or_else(|| self.info_default.clone(), |said| self.info.replace(INFO, &said))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spec(more: &str) -> Spec {
        let text = format!(
            "about = 'x'\nurls = ['https://feed.example/']\nreference = 'feed.example'\nkinds = ['name']\n\
             licence = 'x'\n{more}\n"
        );
        Spec::parse("example", &text).unwrap()
    }

    #[test]
    fn changes() {
        let cases = [
            (Change::Refang, "hxxps[:]//evil[.]example(.)x", "https://evil.example.x"),
            (Change::Refang, "HXXP://[2001:db8::1]/", "http://[2001:db8::1]/"),
            (Change::DropQuery, "http://evil.example/a?b#c", "http://evil.example/a"),
            (Change::DropLastElement, "http://evil.example/a/b.php", "http://evil.example/a/"),
            (Change::DropLastElement, "http://evil.example", "http://evil.example"),
            (Change::DropLastElement, "evil.example/a", "evil.example/"),
            (Change::DropPort, "192.0.2.1:443", "192.0.2.1"),
            (Change::DropPort, "[2001:db8::1]:443", "2001:db8::1"),
            (Change::DropPort, "2001:db8::1", "2001:db8::1"),
            (Change::HostAlone, "http://evil.example/", "evil.example"),
            (Change::HostAlone, "https://192.0.2.1:8080", "192.0.2.1:8080"),
            (Change::HostAlone, "http://evil.example/?x", "http://evil.example/?x"),
            (Change::HostAlone, "http://evil.example/x/", "http://evil.example/x/"),
        ];
        for (change, text, expected) in cases {
            assert_eq!(change.apply(text).as_deref().unwrap_or(text), expected, "{change:?}");
        }
    }

    #[test]
    fn infos() {
        let spec =
            spec("info = '{info} (malware)'\ninfo_default = 'malware'\ninfo_drop = ['c&c']\n[read]\nformat = 'lines'");
        let cases = [
            (Some("Quiet Fox"), "quiet fox (malware)"),
            (Some(" Vidar,\t\"C&C\"\u{202e}\n"), "vidar (malware)"),
            (Some("Unknown malware"), "malware"),
            (Some(" , "), "malware"),
            (None, "malware"),
        ];
        for (raw, expected) in cases {
            assert_eq!(spec.info_of(raw), expected);
        }
        for (length, shown) in [(MAX_INFO - 1, MAX_INFO - 1), (MAX_INFO, MAX_INFO), (MAX_INFO + 1, MAX_INFO)] {
            assert_eq!(clean(&"ä".repeat(length), &[]).chars().count(), shown);
        }
    }

    #[test]
    fn rows_have_changed_texts_and_infos() {
        let spec = spec(
            "info = '{info}'\ninfo_default = 'x'\ntransform = ['refang', 'host_alone']\n\
             [read]\nformat = 'csv'\ntext = [0]\ninfo = 1",
        );
        let mut rows = Vec::new();
        let mut body = &b"hxxp://evil[.]example/,Fox\nb.example,Fox\nc.example,\n"[..];
        let sink = &mut |row: Row<'_>| rows.push(format!("{} {}", row.text, row.info.unwrap()));
        spec.rows(Timestamp::UNIX_EPOCH, &mut body, sink).unwrap();
        assert_eq!(rows, ["evil.example fox", "b.example fox", "c.example x"]);
    }

    proptest! {
        #[test]
        fn an_info_is_plain_and_cleaning_it_again_changes_nothing(raw in "\\PC{0,90}") {
            let once = clean(&raw, &[]);
            prop_assert!(once.chars().count() <= MAX_INFO && !once.contains([',', '"', ';', '\n']));
            prop_assert_eq!(clean(&once, &[]), once);
        }

        #[test]
        fn changes_end(text in "\\PC{0,40}") {
            for change in [Change::Refang, Change::DropQuery, Change::DropLastElement, Change::DropPort, Change::HostAlone] {
                let _ = change.apply(&text);
            }
        }
    }
}
