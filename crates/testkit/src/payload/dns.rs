//! DNS messages (RFC 1035 section 4).

use std::net::IpAddr;

/// Numbers of record types by name, as cases write them.
const TYPES: &[(&str, u16)] = &[
    ("A", 1),
    ("NS", 2),
    ("CNAME", 5),
    ("SOA", 6),
    ("NULL", 10),
    ("PTR", 12),
    ("MX", 15),
    ("TXT", 16),
    ("AAAA", 28),
    ("SRV", 33),
    ("DNAME", 39),
    ("SVCB", 64),
    ("HTTPS", 65),
    ("ANY", 255),
];

/// The number of a record type written as a name or as `TYPE123`.
#[must_use]
pub fn record_type(text: &str) -> Option<u16> {
    let known = TYPES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, number)| *number);
    known.or_else(|| text.strip_prefix("TYPE")?.parse().ok())
}

/// One resource record of class IN, with a lifetime of 300 seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Owner name.
    pub name: String,
    /// TYPE.
    pub kind: u16,
    /// RDATA.
    pub data: Vec<u8>,
}

impl Record {
    /// An A or AAAA record.
    #[must_use]
    pub fn address(name: &str, address: IpAddr) -> Self {
        let (kind, data) = match address {
            IpAddr::V4(v4) => (1, v4.octets().to_vec()),
            IpAddr::V6(v6) => (28, v6.octets().to_vec()),
        };
        Record { name: name.to_owned(), kind, data }
    }

    /// A record whose data is a name: CNAME, DNAME, NS, PTR.
    #[must_use]
    pub fn target(name: &str, kind: u16, target: &str) -> Self {
        Record { name: name.to_owned(), kind, data: encode_name(target) }
    }

    /// A TXT record.
    #[must_use]
    pub fn text(name: &str, text: &str) -> Self {
        let data = text.as_bytes().chunks(255).flat_map(|c| [&[c.len() as u8], c].concat()).collect();
        Record { name: name.to_owned(), kind: 16, data }
    }
}

/// A message to be encoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// ID.
    pub id: u16,
    /// The flags word.
    pub flags: u16,
    /// Name and QTYPE of each question.
    pub questions: Vec<(String, u16)>,
    /// Answer section.
    pub answers: Vec<Record>,
    /// Authority section.
    pub authority: Vec<Record>,
    /// Whether an EDNS(0) OPT record is appended.
    pub edns: bool,
}

impl Message {
    /// A query with recursion desired.
    #[must_use]
    pub fn query(name: &str, kind: u16) -> Self {
        Message { id: 0x2b1d, flags: 0x0100, questions: vec![(name.to_owned(), kind)], ..Message::default() }
    }

    /// A response to such a query.
    #[must_use]
    pub fn response(name: &str, kind: u16, answers: Vec<Record>) -> Self {
        Message { flags: 0x8180, answers, ..Message::query(name, kind) }
    }

    /// With another RCODE.
    #[must_use]
    pub fn with_rcode(mut self, rcode: u16) -> Self {
        self.flags = (self.flags & !0xf) | rcode;
        self
    }

    /// The bytes of a datagram. Owner names that repeat the first question point to it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let counts =
            [self.questions.len(), self.answers.len(), self.authority.len(), usize::from(self.edns)].map(|n| n as u16);
        let mut out = [self.id.to_be_bytes(), self.flags.to_be_bytes()].concat();
        out.extend(counts.iter().flat_map(|n| n.to_be_bytes()));
        for (name, kind) in &self.questions {
            out.extend(encode_name(name));
            out.extend([kind.to_be_bytes(), [0, 1]].concat());
        }
        let first = self.questions.first().map(|(name, _)| name.as_str());
        for record in self.answers.iter().chain(&self.authority) {
            if first == Some(record.name.as_str()) {
                out.extend([0xc0, 12]);
            } else {
                out.extend(encode_name(&record.name));
            }
            out.extend([record.kind.to_be_bytes(), [0, 1], [0, 0], [1, 44]].concat());
            out.extend((record.data.len() as u16).to_be_bytes());
            out.extend(&record.data);
        }
        if self.edns {
            out.extend([0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0]);
        }
        out
    }

    /// The bytes in a TCP stream: two bytes of length first.
    #[must_use]
    pub fn encode_tcp(&self) -> Vec<u8> {
        framed(&self.encode())
    }
}

/// A message behind its length, as DNS over TCP sends it.
#[must_use]
pub fn framed(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u16).to_be_bytes()[..], message].concat()
}

/// A name as labels, uncompressed. `\.` writes a dot inside a label.
///
/// # Panics
/// A label is longer than 63 bytes.
#[must_use]
pub fn encode_name(name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut label = Vec::new();
    let mut chars = name.trim_end_matches('.').bytes();
    let mut close = |label: &mut Vec<u8>| {
        assert!(label.len() < 64, "a label of {} bytes in {name}", label.len());
        if !label.is_empty() {
            out.push(label.len() as u8);
            out.append(label);
        }
    };
    while let Some(byte) = chars.next() {
        match byte {
            b'.' => close(&mut label),
            b'\\' => label.extend(chars.next()),
            other => label.push(other),
        }
    }
    close(&mut label);
    out.push(0);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simple_dns_reads_queries_and_responses() {
        let answers = vec![
            Record::target("www.site.com", 5, "cdn.site.net"),
            Record::address("cdn.site.net", "192.0.2.7".parse().unwrap()),
            Record::address("cdn.site.net", "2001:db8::7".parse().unwrap()),
            Record::text("cdn.site.net", "hello"),
        ];
        let bytes = Message { edns: true, ..Message::response("www.site.com", 1, answers) }.encode();
        let parsed = simple_dns::Packet::parse(&bytes).unwrap();
        assert_eq!(parsed.questions[0].qname.to_string(), "www.site.com");
        let owners: Vec<String> = parsed.answers.iter().map(|a| a.name.to_string()).collect();
        assert_eq!(owners, ["www.site.com", "cdn.site.net", "cdn.site.net", "cdn.site.net"]);
        assert_eq!(parsed.rcode(), simple_dns::RCODE::NoError);
        assert!(parsed.opt().is_some());
        let refused = Message::query("x.com", 28).with_rcode(3).encode();
        assert_eq!(simple_dns::Packet::parse(&refused).unwrap().rcode(), simple_dns::RCODE::NameError);
    }

    #[test]
    fn names_keep_escaped_dots_inside_labels() {
        assert_eq!(encode_name("a\\.b.c."), b"\x03a.b\x01c\0");
        assert_eq!(encode_name("."), b"\0");
    }

    #[test]
    fn types_have_names_and_numbers() {
        assert_eq!((record_type("https"), record_type("TYPE99"), record_type("nope")), (Some(65), Some(99), None));
    }
}
