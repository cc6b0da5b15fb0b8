//! Zeek intelligence: tab-separated, with a line `#fields` that names the columns.

use std::io::{self, BufRead};

use serde::Deserialize;

use super::lines::each_line;
use super::{Passed, Row};

/// Settings of the format.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Zeek {
    /// The field of the info.
    pub info: String,
}

impl Default for Zeek {
    fn default() -> Zeek {
        Zeek { info: "meta.desc".into() }
    }
}

/// Types of indicators that traffic can show.
const TYPES: [&str; 5] = ["Intel::ADDR", "Intel::DOMAIN", "Intel::URL", "Intel::SUBNET", "Intel::CERT_HASH"];

/// Where the fields stand.
struct Fields {
    indicator: usize,
    kind: usize,
    info: Option<usize>,
}

impl Zeek {
    pub(super) fn read(&self, body: &mut dyn BufRead, sink: &mut dyn FnMut(Row<'_>)) -> io::Result<Passed> {
        let mut passed = Passed::default();
        let mut malformed = 0;
        let mut fields = None;
        each_line(body, &mut passed, &mut |line, text| {
            if let Some(names) = text.strip_prefix("#fields") {
                fields = self.fields(names.trim_start());
                return;
            }
            if text.is_empty() || text.starts_with('#') {
                return;
            }
            let Some(Fields { indicator, kind, info }) = fields else {
                malformed += 1;
                return;
            };
            let column = |at: usize| text.split('\t').nth(at).map(str::trim).filter(|v| !v.is_empty() && *v != "-");
            let (Some(text), Some(kind)) = (column(indicator), column(kind)) else {
                malformed += 1;
                return;
            };
            // MD5 and SHA-256 of certificates are not what traffic is matched with, and an MD5 would pass for a JA3.
            let sha1 = kind != "Intel::CERT_HASH" || text.len() == 40;
            if TYPES.contains(&kind) && sha1 {
                sink(Row { text, info: info.and_then(column), reference: None, lists: None, line });
            }
        })?;
        passed.malformed = malformed;
        Ok(passed)
    }

    fn fields(&self, names: &str) -> Option<Fields> {
        let at = |wanted: &str| names.split('\t').position(|name| name.trim() == wanted);
        Some(Fields { indicator: at("indicator")?, kind: at("indicator_type")?, info: at(&self.info) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_traffic_can_show() {
        let body = "lost.example\tIntel::DOMAIN\n#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc\n\
            evil.example\tIntel::DOMAIN\tours\tfox\n192.0.2.0/24\tIntel::SUBNET\tours\t-\n\
            a@evil.example\tIntel::EMAIL\tours\tfox\nevil.example/x\tIntel::URL\n\
            0123456789abcdef0123456789abcdef01234567\tIntel::CERT_HASH\tours\t\n\
            0123456789abcdef0123456789abcdef\tIntel::CERT_HASH\tours\t\n";
        let mut rows = Vec::new();
        let sink = &mut |row: Row<'_>| rows.push((row.text.to_owned(), row.info.map(str::to_owned)));
        let passed = Zeek::default().read(&mut body.as_bytes(), sink).unwrap();
        let texts: Vec<&str> = rows.iter().map(|(text, _)| text.as_str()).collect();
        let certificate = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(texts, ["evil.example", "192.0.2.0/24", "evil.example/x", certificate]);
        assert_eq!(rows[0].1.as_deref(), Some("fox"));
        assert!(rows[1..].iter().all(|(_, info)| info.is_none()));
        assert_eq!(passed.malformed, 1, "before the fields are named");
    }
}
