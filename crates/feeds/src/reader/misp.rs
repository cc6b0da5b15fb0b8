//! Feeds of MISP: a manifest that lists events, and a document for each event.
//!
//! Of an event those attributes count that are marked for detection (`to_ids`) and that traffic shows. The malware
//! family is what a galaxy tag of the attribute says, or else one of the event.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, BufRead};

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::bounded::{Few, Wanted, text, truth};
use super::{MAX_VALUE, Passed, Row};

/// Most events of a feed that can be asked for.
const MAX_EVENTS: usize = 5_000;

/// Settings of the format.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Misp {
    /// How many events of the manifest are read: the newest.
    pub events: usize,
    /// How many days an event may be old; 0: any.
    pub days: u32,
}

impl Default for Misp {
    fn default() -> Misp {
        Misp { events: 500, days: 0 }
    }
}

/// An event that a manifest lists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// When it was changed last, seconds since 1970; 0 where it is not said.
    pub changed: i64,
    /// The name of its file, beside the manifest: `UUID.json`.
    pub name: String,
}

/// What a manifest lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The newest events, newest first.
    pub events: Vec<Listed>,
    /// How many are older and left out.
    pub older: u64,
    /// How many entries have no UUID for a name: they are never fetched.
    pub misnamed: u64,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default, deserialize_with = "text")]
    timestamp: String,
}

impl Misp {
    pub(super) fn problem(&self) -> Option<String> {
        let fits = (1..=MAX_EVENTS).contains(&self.events);
        (!fits).then(|| format!("read: events is between 1 and {MAX_EVENTS}"))
    }

    /// Reads a manifest: the newest events that are not older than `days`, seen from `now` (seconds since 1970).
    ///
    /// # Errors
    /// Reading failed, or it is no manifest.
    pub fn manifest(&self, now: i64, body: &mut dyn BufRead) -> io::Result<Manifest> {
        let oldest = match self.days {
            0 => i64::MIN,
            days => now.saturating_sub(i64::from(days) * 86_400),
        };
        let collect = Collect { oldest, most: self.events.min(MAX_EVENTS) };
        let mut deserializer = serde_json::Deserializer::from_reader(body);
        let manifest = deserializer.deserialize_map(collect).and_then(|manifest| {
            deserializer.end()?;
            Ok(manifest)
        });
        manifest.map_err(io::Error::from)
    }

    #[allow(clippy::unused_self)] // As all formats.
    pub(super) fn read(&self, body: &mut dyn BufRead, sink: &mut dyn FnMut(Row<'_>)) -> io::Result<Passed> {
        let mut deserializer = serde_json::Deserializer::from_reader(body);
        let Document { event } = Deserialize::deserialize(&mut deserializer)?;
        deserializer.end()?;
        // A manifest is no event, and lists nothing itself.
        let Some(event) = event else { return Ok(Passed::default()) };
        let within: u64 = event.objects.kept.iter().map(|object| object.attributes.left_out).sum();
        let left_out = event.attributes.left_out + event.objects.left_out + within;
        let mut passed = Passed { long: left_out, ..Passed::default() };
        let of_event = family(&event.tags);
        let objects = event.objects.kept.iter().flat_map(|object| &object.attributes.kept);
        for (line, attribute) in (1..).zip(event.attributes.kept.iter().chain(objects)) {
            if attribute.value.len() > MAX_VALUE {
                passed.long += 1;
                continue;
            }
            let info = family(&attribute.tags).or(of_event);
            match attribute.indicator() {
                Some(text) => sink(Row { text: &text, info, reference: None, lists: None, line }),
                None => passed.malformed += 1,
            }
        }
        Ok(passed)
    }
}

/// Whether a text is a UUID (RFC 9562 4), and so can name nothing but a file beside the manifest.
fn is_uuid(text: &str) -> bool {
    let dash = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    let right = |(at, byte): (usize, u8)| if dash(at) { byte == b'-' } else { byte.is_ascii_hexdigit() };
    text.len() == 36 && text.bytes().enumerate().all(right)
}

struct Collect {
    oldest: i64,
    most: usize,
}

impl<'de> Visitor<'de> for Collect {
    type Value = Manifest;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a manifest: an object of events by their UUID")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Manifest, A::Error> {
        let mut manifest = Manifest::default();
        let mut newest = BTreeSet::new();
        while let Some((uuid, entry)) = map.next_entry::<String, Entry>()? {
            if !is_uuid(&uuid) {
                manifest.misnamed += 1;
                continue;
            }
            let changed = entry.timestamp.parse().unwrap_or(0);
            if changed >= self.oldest {
                newest.insert(Listed { changed, name: format!("{uuid}.json") });
            }
            if changed < self.oldest || newest.len() > self.most {
                manifest.older += 1;
            }
            while newest.len() > self.most {
                newest.pop_first();
            }
        }
        manifest.events = newest.into_iter().rev().collect();
        Ok(manifest)
    }
}

#[derive(Deserialize)]
struct Document {
    #[serde(rename = "Event")]
    event: Option<Event>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(default, rename = "Attribute")]
    attributes: Few<Attribute>,
    #[serde(default, rename = "Object")]
    objects: Few<Object>,
    #[serde(default, rename = "Tag")]
    tags: Few<Tag>,
}

#[derive(Deserialize)]
struct Object {
    #[serde(default, rename = "Attribute")]
    attributes: Few<Attribute>,
    #[serde(default, deserialize_with = "truth")]
    deleted: bool,
}

impl Wanted for Object {
    fn wanted(&self) -> bool {
        !self.deleted && !self.attributes.kept.is_empty()
    }
}

#[derive(Deserialize)]
struct Attribute {
    #[serde(default, rename = "type", deserialize_with = "text")]
    kind: String,
    #[serde(default, deserialize_with = "text")]
    value: String,
    #[serde(default, deserialize_with = "truth")]
    to_ids: bool,
    #[serde(default, deserialize_with = "truth")]
    deleted: bool,
    #[serde(default, rename = "Tag")]
    tags: Few<Tag>,
}

/// Types of attributes that traffic can show.
const TYPES: [&str; 9] = [
    "ip-dst",
    "ip-dst|port",
    "domain",
    "hostname",
    "hostname|port",
    "domain|ip",
    "url",
    "ja3-fingerprint-md5",
    "x509-fingerprint-sha1",
];

impl Wanted for Attribute {
    fn wanted(&self) -> bool {
        self.to_ids && !self.deleted && TYPES.contains(&self.kind.as_str())
    }
}

impl Attribute {
    /// The text that may be an indicator. Of a name and its address only the name: many share an address.
    fn indicator(&self) -> Option<String> {
        let value = self.value.trim();
        let text = match self.kind.as_str() {
            "domain|ip" => value.split('|').next()?.to_owned(),
            "ip-dst|port" | "hostname|port" => {
                let (host, port) = value.rsplit_once('|')?;
                if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
            }
            "url" if !value.contains("://") => format!("http://{value}"),
            _ => value.to_owned(),
        };
        (!text.is_empty()).then_some(text)
    }
}

#[derive(Deserialize)]
struct Tag {
    #[serde(default, deserialize_with = "text")]
    name: String,
}

impl Wanted for Tag {
    fn wanted(&self) -> bool {
        self.family().is_some()
    }
}

/// Galaxies whose clusters are families of malware or groups, the more telling first.
const GALAXIES: [&str; 14] = [
    "malpedia",
    "malware",
    "mitre-malware",
    "mitre-enterprise-attack-malware",
    "ransomware",
    "rat",
    "botnet",
    "stealer",
    "banker",
    "backdoor",
    "cryptominers",
    "tool",
    "mitre-tool",
    "threat-actor",
];

impl Tag {
    /// Place of the galaxy and name of the cluster of `misp-galaxy:malpedia="Quiet Fox"`.
    fn family(&self) -> Option<(usize, &str)> {
        let (galaxy, cluster) = self.name.strip_prefix("misp-galaxy:")?.split_once("=\"")?;
        let place = GALAXIES.iter().position(|known| *known == galaxy)?;
        let cluster = cluster.strip_suffix('"').unwrap_or(cluster);
        // ATT&CK sets its number behind: `Quiet Fox - S9999`.
        let name = match cluster.rsplit_once(" - ") {
            Some((name, number)) if number.get(1..).is_some_and(|n| n.parse::<u32>().is_ok()) => name,
            _ => cluster,
        };
        (!name.trim().is_empty()).then(|| (place, name.trim()))
    }
}

fn family(tags: &Few<Tag>) -> Option<&str> {
    tags.kept.iter().filter_map(Tag::family).min_by_key(|(place, _)| *place).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(body: &str) -> io::Result<Vec<String>> {
        let mut rows = Vec::new();
        let sink = &mut |row: Row<'_>| rows.push(format!("{} {}", row.text, row.info.unwrap_or("-")));
        Misp::default().read(&mut body.as_bytes(), sink)?;
        Ok(rows)
    }

    fn attribute(kind: &str, value: &str) -> String {
        format!(r#"{{"type": "{kind}", "value": "{value}", "to_ids": true}}"#)
    }

    fn event(attributes: &[String]) -> String {
        format!(r#"{{"Event": {{"info": "x", "Attribute": [{}]}}}}"#, attributes.join(","))
    }

    #[test]
    fn attributes_that_traffic_shows() {
        let body = event(&[
            attribute("ip-dst", "192.0.2.1"),
            attribute("ip-dst|port", "192.0.2.1|443"),
            attribute("ip-dst|port", "2001:db8::1|443"),
            attribute("domain|ip", "evil.example|192.0.2.9"),
            attribute("hostname|port", "evil.example|8080"),
            attribute("url", "evil.example/x"),
            attribute("sha256", "00"),
            attribute("user-agent", "x"),
            attribute("ip-src", "192.0.2.2"),
            r#"{"type": "domain", "value": "unmarked.example", "to_ids": false}"#.into(),
            r#"{"type": "domain", "value": "gone.example", "to_ids": true, "deleted": true}"#.into(),
            r#"{"type": "domain", "value": "number.example", "to_ids": "1"}"#.into(),
        ]);
        let expected = [
            "192.0.2.1 -",
            "192.0.2.1:443 -",
            "[2001:db8::1]:443 -",
            "evil.example -",
            "evil.example:8080 -",
            "http://evil.example/x -",
            "number.example -",
        ];
        assert_eq!(rows(&body).unwrap(), expected);
    }

    #[test]
    fn families() {
        let body = r#"{"Event": {
            "Object": [
                {"name": "c2", "Attribute": [
                    {"type": "domain", "value": "a.example", "to_ids": true,
                     "Tag": [{"name": "misp-galaxy:malpedia=\"Loud Owl\""}, {"name": "tlp:clear"}]},
                    {"type": "domain", "value": "b.example", "to_ids": true, "Tag": null}]},
                {"Attribute": null}],
            "Tag": [{"name": "misp-galaxy:threat-actor=\"A group\""},
                    {"name": "misp-galaxy:mitre-malware=\"Quiet Fox - S9999\""}]}}"#;
        assert_eq!(rows(body).unwrap(), ["a.example Loud Owl", "b.example Quiet Fox"]);
    }

    #[test]
    fn no_event() {
        assert_eq!(rows("{}").unwrap().len(), 0);
        assert!(rows("[]").is_err());
        assert!(rows("{\"Event\": {\"Attribute\": [").is_err());
        assert_eq!(rows("{\"Event\": {}}").unwrap().len(), 0);
    }

    #[test]
    fn a_manifest_names_files_beside_it_only() {
        let uuid = |n: u8| format!("01234567-89ab-cdef-0123-4567890000{n:02x}");
        let body = format!(
            r#"{{"{}": {{"timestamp": "100"}}, "../../etc/x": {{"timestamp": "900"}}, "{}": {{"timestamp": 300}},
                "{}": {{"info": "no time"}}, "{}": {{"timestamp": "200"}}, "01234567/89ab/cdef/0123/4567890000aa": {{}}}}"#,
            uuid(1),
            uuid(2),
            uuid(3),
            uuid(4)
        );
        let read = |events, days| Misp { events, days }.manifest(86_400 + 150, &mut body.as_bytes()).unwrap();
        for (events, older) in [(3, 1), (4, 0), (5, 0)] {
            let manifest = read(events, 0);
            let names: Vec<String> = manifest.events.iter().map(|event| event.name.clone()).collect();
            let expected: Vec<String> =
                [2, 4, 1, 3].into_iter().take(events).map(|n| format!("{}.json", uuid(n))).collect();
            assert_eq!((names, manifest.older, manifest.misnamed), (expected, older, 2));
        }
        let recent = read(4, 1);
        assert_eq!((recent.events.len(), recent.older), (2, 2));
        assert!(Misp::default().manifest(0, &mut &b"[]"[..]).is_err());
        assert!(Misp { events: 0, days: 0 }.problem().is_some() && Misp::default().problem().is_none());
    }
}
