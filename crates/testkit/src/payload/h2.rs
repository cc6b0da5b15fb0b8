//! HTTP/2 without TLS, prior knowledge (RFC 9113): preface, SETTINGS and one HEADERS frame, with HPACK
//! (RFC 7541) literals that use neither the dynamic table nor, unless asked, Huffman coding.

/// The connection preface.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A frame: length, type, flags, stream, payload.
#[must_use]
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    [&(payload.len() as u32).to_be_bytes()[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A client's first bytes: preface, SETTINGS, and `GET path` of `authority` on stream 1.
#[must_use]
pub fn request(authority: &str, path: &str, user_agent: &str) -> Vec<u8> {
    let mut block = vec![0x82, 0x86]; // :method GET, :scheme http of the static table
    block.extend(literal(1, authority));
    block.extend(literal(4, path));
    if !user_agent.is_empty() {
        block.extend(literal(58, user_agent));
    }
    [PREFACE, &frame(4, 0, 0, &[]), &frame(1, 5, 1, &block)].concat()
}

/// A literal field without indexing whose name is entry `index` of the static table (RFC 7541 section 6.2.2).
fn literal(index: usize, value: &str) -> Vec<u8> {
    let mut out = integer(0x00, 4, index);
    out.extend(integer(0x00, 7, value.len()));
    out.extend(value.as_bytes());
    out
}

/// An integer with an `bits`-bit prefix (RFC 7541 section 5.1).
fn integer(first: u8, bits: u32, mut value: usize) -> Vec<u8> {
    let most = (1 << bits) - 1;
    if value < most {
        return vec![first | value as u8];
    }
    let mut out = vec![first | most as u8];
    value -= most;
    while value >= 128 {
        out.push(value as u8 | 128);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_those_of_the_rfc_examples() {
        assert_eq!(integer(0, 5, 10), [10]);
        assert_eq!(integer(0, 5, 1337), [31, 154, 10]);
        assert_eq!(integer(0, 4, 58), [15, 43]);
    }

    #[test]
    fn frames_carry_their_length() {
        let bytes = request("a.com", "/x", "curl/8");
        let rest = bytes.strip_prefix(PREFACE).unwrap();
        assert_eq!(rest[..9], [0, 0, 0, 4, 0, 0, 0, 0, 0]);
        assert_eq!(usize::from(rest[11]), rest.len() - 18);
    }
}
