//! Names that are long as nobody would write them.

use super::about::{About, Detector, Threshold};
use super::alarm::Alarm;
use super::names::Parts;

pub(super) const ABOUT: About = About {
    detector: Detector::LongDomain,
    name: "long_domain",
    aliases: &["long_domains"],
    on: true,
    events: "DNS, `long domain (suspicious)`; the long label stands in parentheses",
    finds: "A query for a name whose first label is long and has no hyphen. Told once an hour for a client and domain.",
    why: "Generated names of malware, and data sent in names, look so.",
    example: "`(kq3v9z7x1m5n8b2c4w6p0r5t1y).example.com`",
    false_alarms: "Content networks, hosting of others' sites and look-ups by hash make such names in numbers: the known ones \
                   are left out, others are not known.",
    evaded: "With shorter labels, or a hyphen.",
    threshold: Some(Threshold { default: 24, least: 10, greatest: 62, of: "characters in the first label" }),
};

/// Words in names that are long for no bad purpose.
const WORDS: [&[u8]; 6] = [b"cdn", b"static", b"blogspot", b"googleusercontent", b"verify", b"domainkey"];

/// Whether the name counts.
#[inline]
pub(super) fn counts(name: &[u8], threshold: u32) -> bool {
    let length = name.iter().position(|byte| *byte == b'.').unwrap_or(0);
    length > threshold as usize && is_odd(name, length)
}

#[cold]
fn is_odd(name: &[u8], length: usize) -> bool {
    let label = name.get(..length).unwrap_or_default();
    let Some(parts) = Parts::of(name) else { return false };
    let words = |word: &&[u8]| memchr::memmem::find(name, word).is_some();
    !label.contains(&b'-') && !label.starts_with(b"_") && !parts.is_of_machines() && !WORDS.iter().any(words)
}

/// Of a name that counts.
pub(super) fn alarm(name: &[u8]) -> Alarm {
    let length = name.iter().position(|byte| *byte == b'.').unwrap_or(0);
    Alarm::of_name(name, length, "long domain (suspicious)").because(40, format!("first label of {length} characters"))
}
