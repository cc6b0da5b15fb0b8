//! Bundles of STIX 2.1 (and 2.0): indicators that hold now, with the malware that a relationship says they indicate.

use std::collections::HashMap;
use std::io::{self, BufRead};

use jiff::Timestamp;
use serde::Deserialize;

use super::bounded::{Few, Wanted, text, truth};
use super::stix_pattern::texts;
use super::{MAX_VALUE, Passed, Row};

/// Settings of the format.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stix {
    /// An indicator of which no malware is said is described by its own name.
    pub names: bool,
}

#[derive(Deserialize)]
struct Bundle {
    #[serde(default)]
    objects: Few<Object>,
}

#[derive(Deserialize)]
struct Object {
    #[serde(default, rename = "type", deserialize_with = "text")]
    kind: String,
    #[serde(default, deserialize_with = "text")]
    id: String,
    #[serde(default, deserialize_with = "text")]
    name: String,
    #[serde(default, deserialize_with = "text")]
    pattern: String,
    #[serde(default, deserialize_with = "text")]
    pattern_type: String,
    #[serde(default, deserialize_with = "truth")]
    revoked: bool,
    #[serde(default, deserialize_with = "text")]
    valid_until: String,
    #[serde(default, deserialize_with = "text")]
    relationship_type: String,
    #[serde(default, deserialize_with = "text")]
    source_ref: String,
    #[serde(default, deserialize_with = "text")]
    target_ref: String,
}

impl Wanted for Object {
    fn wanted(&self) -> bool {
        match self.kind.as_str() {
            // STIX 2.0 names no type of pattern: there is one only.
            "indicator" => matches!(self.pattern_type.as_str(), "stix" | "") && !self.revoked,
            "malware" | "tool" => !self.name.is_empty(),
            "relationship" => self.relationship_type == "indicates",
            _ => false,
        }
    }
}

impl Object {
    /// Whether it holds at a time; what gives no time for its end has none.
    fn holds(&self, now: Timestamp) -> bool {
        self.valid_until.parse().map_or(true, |end: Timestamp| now < end)
    }
}

impl Stix {
    pub(super) fn read(
        &self,
        now: Timestamp,
        body: &mut dyn BufRead,
        sink: &mut dyn FnMut(Row<'_>),
    ) -> io::Result<Passed> {
        let mut deserializer = serde_json::Deserializer::from_reader(body);
        let Bundle { objects } = Deserialize::deserialize(&mut deserializer)?;
        deserializer.end()?;
        let mut passed = Passed { long: objects.left_out, ..Passed::default() };
        let objects = objects.kept;
        let of = |kind: &'static str| objects.iter().filter(move |object| object.kind == kind);
        let named: HashMap<&str, &str> =
            of("malware").chain(of("tool")).map(|object| (object.id.as_str(), object.name.as_str())).collect();
        let mut indicated: HashMap<&str, &str> = HashMap::new();
        for relation in of("relationship") {
            if let Some(name) = named.get(relation.target_ref.as_str()) {
                indicated.entry(relation.source_ref.as_str()).or_insert(name);
            }
        }
        for (line, indicator) in (1..).zip(of("indicator")) {
            if !indicator.holds(now) {
                continue;
            }
            if indicator.pattern.len() > MAX_VALUE {
                passed.long += 1;
                continue;
            }
            let own = Some(indicator.name.as_str()).filter(|name| self.names && !name.is_empty());
            let info = indicated.get(indicator.id.as_str()).copied().or(own);
            match texts(&indicator.pattern) {
                Some(texts) => {
                    texts.iter().for_each(|text| sink(Row { text, info, reference: None, lists: None, line }))
                }
                None => passed.malformed += 1,
            }
        }
        Ok(passed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-05-01T00:00:00Z";

    fn rows(stix: &Stix, body: &str) -> io::Result<(Vec<String>, Passed)> {
        let mut rows = Vec::new();
        let sink = &mut |row: Row<'_>| rows.push(format!("{} {}", row.text, row.info.unwrap_or("-")));
        let passed = stix.read(NOW.parse().unwrap(), &mut body.as_bytes(), sink)?;
        Ok((rows, passed))
    }

    fn indicator(id: u8, members: &str) -> String {
        format!(
            r#"{{"type": "indicator", "id": "indicator--{id}", "name": "n{id}", "pattern_type": "stix",
                "pattern": "[domain-name:value = 'n{id}.example']"{members}}}"#
        )
    }

    #[test]
    fn indicators_that_hold() {
        let objects = [
            indicator(1, ""),
            indicator(2, r#", "revoked": true"#),
            indicator(3, r#", "valid_until": "2026-04-30T23:59:59Z""#),
            indicator(4, r#", "valid_until": "2026-05-01T00:00:01.000Z""#),
            indicator(5, r#", "valid_until": "2026-05-01T00:00:00Z""#),
            r#"{"type": "indicator", "id": "indicator--6", "pattern_type": "yara", "pattern": "rule x"}"#.into(),
            r#"{"type": "indicator", "id": "indicator--7", "pattern_type": "stix", "pattern": "rule x"}"#.into(),
            r#"{"type": "relationship", "relationship_type": "indicates", "source_ref": "indicator--4", "target_ref": "malware--1"}"#.into(),
            r#"{"type": "malware", "id": "malware--1", "name": "Quiet Fox", "labels": ["x"]}"#.into(),
        ];
        let body = format!(r#"{{"type": "bundle", "objects": [{}]}}"#, objects.join(","));
        let (plain, passed) = rows(&Stix::default(), &body).unwrap();
        assert_eq!(plain, ["n1.example -", "n4.example Quiet Fox"]);
        assert_eq!(passed.malformed, 1);
        let (named, _) = rows(&Stix { names: true }, &body).unwrap();
        assert_eq!(named, ["n1.example n1", "n4.example Quiet Fox"]);
    }

    #[test]
    fn no_bundle() {
        assert!(rows(&Stix::default(), "").is_err());
        assert!(rows(&Stix::default(), "{\"objects\": [{}").is_err());
        assert_eq!(rows(&Stix::default(), "{\"objects\": []}").unwrap().0.len(), 0);
    }
}
