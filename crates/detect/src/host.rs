//! A host as it stands in a Host header, a request target or a CONNECT: name or address, and a port.

use std::net::IpAddr;

use crate::survey::survey;

/// The parts of an authority; borrowed, in the case they were sent in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Host<'a> {
    /// Name or address, without brackets, user name, port and trailing dot.
    pub(crate) name: &'a [u8],
    /// Whether it stood in brackets.
    pub(crate) bracketed: bool,
    /// Port, where there is one that is a number.
    pub(crate) port: Option<u16>,
    /// Whether the name holds neither letters in upper case nor colons, as far as is known.
    pub(crate) plain: bool,
}

impl<'a> Host<'a> {
    /// Takes `[user@]host[:port]` apart. Nothing is refused: what cannot be a host is listed nowhere.
    pub(crate) fn read(text: &'a [u8]) -> Host<'a> {
        let text = text.trim_ascii();
        // In ASCII, `@` and `[` stand before and behind the letters in upper case.
        let [unusual] = survey(text, |lanes, _| [lanes.within(b'@', b'[') | lanes.equal(b':')]);
        if unusual { Host::divided(text) } else { Host::whole(text, true) }
    }

    fn whole(name: &'a [u8], plain: bool) -> Host<'a> {
        Host { name: without_dots(name), bracketed: false, port: None, plain }
    }

    #[cold]
    fn divided(text: &'a [u8]) -> Host<'a> {
        if !text.iter().any(|byte| matches!(byte, b'@' | b'[' | b':')) {
            return Host::whole(text, false);
        }
        let text = match text.iter().rposition(|byte| *byte == b'@') {
            Some(at) => text.get(at + 1..).unwrap_or_default(),
            None => text,
        };
        if let Some(inner) = text.strip_prefix(b"[") {
            let end = inner.iter().position(|byte| *byte == b']').unwrap_or(inner.len());
            let (name, rest) = inner.split_at_checked(end).unwrap_or((inner, &[]));
            let port = rest.strip_prefix(b"]:").and_then(number);
            return Host { name, bracketed: true, port, plain: false };
        }
        // More than one colon: an address without brackets.
        let colons = text.iter().filter(|byte| **byte == b':').count();
        let (name, port) = match text.iter().position(|byte| *byte == b':') {
            Some(at) if colons == 1 => {
                let (name, rest) = text.split_at_checked(at).unwrap_or((text, &[]));
                (name, rest.get(1..).and_then(number))
            }
            _ => (text, None),
        };
        Host { name: without_dots(name), bracketed: false, port, plain: false }
    }

    /// The address, where it is one.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        let last = self.name.last()?;
        // Most hosts are names, and end like one.
        if !last.is_ascii_digit() && (self.plain || !self.name.contains(&b':')) {
            return None;
        }
        std::str::from_utf8(self.name).ok()?.parse().ok()
    }
}

fn without_dots(mut name: &[u8]) -> &[u8] {
    while let [head @ .., b'.'] = name {
        name = head;
    }
    name
}

fn number(text: &[u8]) -> Option<u16> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_taken_apart() {
        let cases: [(&str, &str, Option<u16>, Option<&str>); 10] = [
            ("a.example", "a.example", None, None),
            (" a.example.:8080 ", "a.example", Some(8080), None),
            ("user:pw@a.example:81", "a.example", Some(81), None),
            ("192.0.2.7", "192.0.2.7", None, Some("192.0.2.7")),
            ("192.0.2.7:80", "192.0.2.7", Some(80), Some("192.0.2.7")),
            ("[2001:db8::7]:443", "2001:db8::7", Some(443), Some("2001:db8::7")),
            ("2001:db8::7", "2001:db8::7", None, Some("2001:db8::7")),
            ("[2001:db8::7", "2001:db8::7", None, Some("2001:db8::7")),
            ("a.example:99999", "a.example", None, None),
            ("", "", None, None),
        ];
        for (text, name, port, address) in cases {
            let host = Host::read(text.as_bytes());
            assert_eq!(host.name, name.as_bytes(), "{text}");
            assert_eq!(host.port, port, "{text}");
            assert_eq!(host.address(), address.map(|a| a.parse().unwrap()), "{text}");
        }
    }
}
