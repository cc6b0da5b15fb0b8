//! Names made by an algorithm, which mostly do not exist.

use super::about::{About, Detector, Threshold};
use super::alarm::Alarm;
use super::names::{Parts, consonants, entropy};

pub(super) const ABOUT: About = About {
    detector: Detector::Dga,
    name: "dga",
    aliases: &["entropy_no_such_domain", "consonant_no_such_domain"],
    on: true,
    events: "DNS, `entropy threshold no such domain (suspicious)` or `consonant threshold no such domain (suspicious)`; the \
             made-up label stands in parentheses",
    finds: "An answer that a domain (two labels) does not exist whose name has no structure: more than 3.5 bits a character, \
            or too many consonants.",
    why: "Malware asks for many generated names until one is registered that day.",
    example: "`(xkqzvwpltrmb).com` does not exist",
    false_alarms: "Browsers ask for three random names at their start to find out who lies about missing ones: these have \
                   one label and do not count. Long mistyped or compound words may count.",
    evaded: "By names made of words, or below a domain that exists.",
    threshold: Some(Threshold { default: 9, least: 4, greatest: 60, of: "consonants in the name" }),
};

/// Bits of a character that words do not reach.
const BITS: f64 = 3.5;

/// What is odd about a name that does not exist.
pub(super) fn see(name: &[u8], threshold: u32) -> Option<Alarm> {
    let parts = Parts::of(name)?;
    if !parts.sub.is_empty() || parts.is_of_machines() || name.starts_with(b"xn--") {
        return None;
    }
    let length = name.iter().position(|byte| *byte == b'.')?;
    let label = name.get(..length)?;
    let (bits, count) = (entropy(label), consonants(label));
    if bits > BITS {
        let reason = format!("{bits:.1} bits a character, the domain does not exist");
        return Some(Alarm::of_name(name, length, "entropy threshold no such domain (suspicious)").because(50, reason));
    }
    (count > threshold as usize).then(|| {
        let reason = format!("{count} consonants, the domain does not exist");
        Alarm::of_name(name, length, "consonant threshold no such domain (suspicious)").because(50, reason)
    })
}
