//! Requests as the patterns of attacks are written: what is hidden by escapes, case, comments and white space is not.

/// Times escapes are resolved: attacks escape twice to pass by filters.
const ROUNDS: usize = 2;
/// Bytes of a text that are looked at.
const LENGTH: usize = 4096;

/// Rooms for texts, kept from request to request.
#[derive(Default)]
pub(super) struct Rooms {
    decoded: Vec<u8>,
    plain: Vec<u8>,
}

impl Rooms {
    /// The text in normal form: escapes resolved, lower case, comments (`/**/`) and runs of white space one space, none
    /// around `=`, runs of digits `0`, NUL bytes gone.
    pub(super) fn normal<'r>(&'r mut self, text: &[u8]) -> &'r [u8] {
        let text = text.get(..LENGTH).unwrap_or(text);
        self.decoded.clear();
        self.decoded.extend_from_slice(text);
        for _ in 0..ROUNDS {
            if !resolve(&mut self.decoded) {
                break;
            }
        }
        write_plain(&self.decoded, &mut self.plain);
        &self.plain
    }
}

/// Resolves `%41`, `%u0041` and `+`, in place; whether there was any.
fn resolve(text: &mut Vec<u8>) -> bool {
    let (mut from, mut to, mut any) = (0, 0, false);
    while let Some(first) = text.get(from).copied() {
        let (byte, taken) = match (first, text.get(from + 1..).unwrap_or_default()) {
            (b'%', [b'u' | b'U', _, _, high, low, ..]) if is_hex(*high) && is_hex(*low) => (hex(*high, *low), 6),
            (b'%', [high, low, ..]) if is_hex(*high) && is_hex(*low) => (hex(*high, *low), 3),
            (b'+', _) => (b' ', 1),
            (byte, _) => (byte, 1),
        };
        any |= taken > 1;
        if let Some(place) = text.get_mut(to) {
            *place = byte;
        }
        (from, to) = (from + taken, to + 1);
    }
    text.truncate(to);
    any
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}

fn hex(high: u8, low: u8) -> u8 {
    let digit = |byte: u8| (byte as char).to_digit(16).unwrap_or(0) as u8;
    digit(high) << 4 | digit(low)
}

/// As [`Rooms::normal`], without escapes. Also what patterns are made of.
pub(super) fn write_plain(text: &[u8], to: &mut Vec<u8>) {
    to.clear();
    let mut rest = text;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        match (first, behind) {
            (0, _) => {}
            // A comment; what a server of one kind runs all the same (`/*!50000 union*/`) stays.
            (b'/', [b'*', inner @ ..]) => {
                let inner = inner.strip_prefix(b"!").unwrap_or(inner);
                let digits = inner.iter().take_while(|byte| byte.is_ascii_digit()).count();
                rest = inner.get(digits..).unwrap_or_default();
                space(to);
            }
            (b'*', [b'/', after @ ..]) => {
                rest = after;
                space(to);
            }
            (b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c, _) => space(to),
            (b'=', _) => {
                if to.last() == Some(&b' ') {
                    to.pop();
                }
                to.push(b'=');
            }
            (b'0'..=b'9', _) => {
                if to.last() != Some(&b'0') {
                    to.push(b'0');
                }
            }
            (byte, _) => to.push(byte.to_ascii_lowercase()),
        }
    }
}

fn space(to: &mut Vec<u8>) {
    if !matches!(to.last(), Some(b' ' | b'=')) {
        to.push(b' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_a_pattern_goes() {
        let cases = [
            ("1%27%20UNION/**/SELECT+1,2", "0' union select 0,0"),
            ("%2527 or%0a%091 = 1", "' or 0=0"),
            ("/*!50000union*/ all  select", " union all select"),
            ("%u003cscript%3E", "<script>"),
            ("..%2f..%252fetc%2fpasswd%00", "../../etc/passwd"),
            ("100%", "0%"),
            ("%zz%4", "%zz%0"),
        ];
        let mut rooms = Rooms::default();
        for (text, plain) in cases {
            assert_eq!(String::from_utf8_lossy(rooms.normal(text.as_bytes())), plain, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes(text in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            let mut rooms = Rooms::default();
            proptest::prop_assert!(rooms.normal(&text).len() <= text.len());
        }
    }
}
