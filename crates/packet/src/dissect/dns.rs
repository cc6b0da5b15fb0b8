//! DNS messages (RFC 1035 section 4) over UDP and TCP, on any port.
//!
//! A message is checked once, where it is found, and read on demand: names are only put together when
//! somebody looks at them. On the ports that belong to DNS whatever can be read is used, also of a message
//! that was captured short; elsewhere a message must hold together to its last byte, so that other traffic
//! is not taken for DNS.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::context::{Context, Progress};
use crate::name::has_dot;
use crate::{Anomaly, Fact, Flow, Name, Sink};

/// Bytes of a message header (RFC 1035 section 4.1.1).
pub(super) const HEADER: usize = 12;
/// Octets of a name on the wire, its root label included (RFC 1035 section 2.3.4).
const NAME_OCTETS: usize = 255;
/// Compression pointers followed in one name: circles end here. They should point back (RFC 1035 section 4.1.4);
/// one that points forward is read all the same, and counted.
const POINTERS: usize = 32;
/// Questions that a message on a foreign port may have.
pub(super) const QUESTIONS: u16 = 8;
/// Length of a message on a foreign port that is waited for with less than its header there: less than what the
/// first two letters of a text would be.
const SHORT_BEGINNING: usize = 4095;

const A: u16 = 1;
const CNAME: u16 = 5;
const AAAA: u16 = 28;
const DNAME: u16 = 39;

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

/// Questions of a message that were not read yet.
#[derive(Clone, Debug)]
pub struct Questions<'a> {
    bytes: &'a [u8],
    left: u16,
    at: usize,
}

impl Questions<'_> {
    /// The next question: its name is put into `name`; its QTYPE and QCLASS. Where there is none, or it does not parse,
    /// `name` is empty and nothing more comes.
    #[inline]
    pub fn read_into(&mut self, name: &mut Name) -> Option<(u16, u16)> {
        name.clear();
        let question = self.read(name);
        if question.is_none() {
            name.clear();
            self.left = 0;
        }
        question
    }

    #[inline(always)]
    fn read(&mut self, name: &mut Name) -> Option<(u16, u16)> {
        self.left = self.left.checked_sub(1)?;
        let next = append_name(self.bytes, self.at, name)?;
        self.at = next + 4;
        Some((word(self.bytes, next)?, word(self.bytes, next + 2)?))
    }
}

impl Iterator for Questions<'_> {
    type Item = Question;

    fn next(&mut self) -> Option<Question> {
        let mut name = Name::EMPTY;
        let (kind, class) = self.read_into(&mut name)?;
        Some(Question { name, kind, class })
    }
}

/// Data of a resource record, as far as it is looked at.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::large_enum_variant)] // Lives on the stack for one turn of a loop.
pub enum RecordData<'a> {
    /// A or AAAA.
    Address(IpAddr),
    /// CNAME or DNAME target.
    Alias(Name),
    /// Anything else.
    Other(&'a [u8]),
}

/// One resource record.
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

    /// Whether QR is set.
    #[must_use]
    pub fn is_response(&self) -> bool {
        self.flags & 0x8000 != 0
    }

    /// Questions up to the first that does not parse.
    pub fn questions(&self) -> impl Iterator<Item = Question> + use<'a> {
        self.each_question()
    }

    /// The same, to be read one by one without copying their names.
    #[inline]
    #[must_use]
    pub fn each_question(&self) -> Questions<'a> {
        Questions { bytes: self.bytes, left: word(self.bytes, 4).unwrap_or(0), at: HEADER }
    }

    /// Records that the answer section is said to have.
    #[must_use]
    pub fn answer_count(&self) -> usize {
        usize::from(word(self.bytes, 6).unwrap_or(0))
    }

    /// Records of the answer section up to the first that does not parse. Addresses that come along with an answer,
    /// such as those of name servers, are in [`records`](Self::records) only.
    pub fn answers(&self) -> impl Iterator<Item = Record<'a>> + use<'a> {
        self.take_records(self.answer_count())
    }

    /// Records of the answer, authority and additional sections up to the first that does not parse.
    pub fn records(&self) -> impl Iterator<Item = Record<'a>> + use<'a> {
        self.take_records(record_count(self.bytes))
    }

    fn take_records(&self, count: usize) -> impl Iterator<Item = Record<'a>> + use<'a> {
        let bytes = self.bytes;
        let mut left = count;
        let mut at = if left == 0 { None } else { skip_questions(bytes) };
        std::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            let (name, fixed) = read_name(bytes, at?)?;
            let (kind, data, next) = record_body(bytes, fixed)?;
            at = Some(next);
            Some(Record { name, kind, data: read_data(bytes, kind, data, next) })
        })
    }

    /// Takes `bytes` for a message of a port that belongs to DNS: whatever is whole is used. The anomaly, where
    /// there is one, says what is wrong; the message is there where something can be read of it all the same.
    fn lenient(bytes: &'a [u8]) -> (Option<DnsMessage<'a>>, Option<Anomaly>) {
        let Some(message) = DnsMessage::header(bytes) else { return (None, Some(Anomaly::DnsMalformed)) };
        match check_sections(bytes) {
            Ok(whole) => (Some(message), whole.anomaly),
            Err(wrong) => (wrong.usable.then_some(message), Some(wrong.anomaly)),
        }
    }

    /// Takes `bytes` for a message where nothing but its content speaks for it.
    fn strict(bytes: &'a [u8]) -> Option<(DnsMessage<'a>, Option<Anomaly>)> {
        if !plausible_header(bytes) {
            return None;
        }
        let message = DnsMessage::header(bytes)?;
        let whole = check_sections(bytes).ok()?;
        (whole.end == bytes.len() && plausible_questions(bytes)).then_some((message, whole.anomaly))
    }

    fn header(bytes: &'a [u8]) -> Option<DnsMessage<'a>> {
        word(bytes, 10)?;
        Some(DnsMessage { bytes, id: word(bytes, 0)?, flags: word(bytes, 2)? })
    }
}

/// Ports whose datagrams are DNS, multicast DNS or LLMNR unless they prove otherwise.
fn dns_port(port: u16) -> bool {
    matches!(port, 53 | 5353 | 5355)
}

/// Whether one end of the flow is such a port.
pub(crate) fn on_dns_port(flow: &Flow) -> bool {
    dns_port(flow.dst_port) || dns_port(flow.src_port)
}

/// NetBIOS name service: messages of the same shape whose names are no DNS names (RFC 1002 section 4.2).
fn netbios(flow: &Flow) -> bool {
    flow.dst_port == 137 || flow.src_port == 137
}

/// A datagram; whether it was a DNS message.
pub(crate) fn datagram<S: Sink>(payload: &[u8], context: &mut Context<'_, S>) -> bool {
    let (message, wrong) = if on_dns_port(context.flow) {
        DnsMessage::lenient(payload)
    } else if plausible_header(payload) && !netbios(context.flow) {
        match DnsMessage::strict(payload) {
            Some((message, wrong)) => (Some(message), wrong),
            None => (None, None),
        }
    } else {
        (None, None)
    };
    finish(message, wrong, context)
}

/// Messages over TCP, each behind its length in two bytes (RFC 7766 section 8).
pub(crate) fn stream<S: Sink>(bytes: &[u8], context: &mut Context<'_, S>) -> Progress {
    let Some(length) = word(bytes, 0).map(usize::from) else { return lone_byte(bytes, context) };
    if length < HEADER + 5 || netbios(context.flow) {
        return Progress::No;
    }
    let rest = bytes.get(2..).unwrap_or_default();
    if rest.len() < HEADER && length > SHORT_BEGINNING && !on_dns_port(context.flow) || !plausible_beginning(rest) {
        return Progress::No;
    }
    if let Some(message) = rest.get(..length) {
        let (message, wrong) = match DnsMessage::strict(message) {
            Some((message, wrong)) => (Some(message), wrong),
            None if on_dns_port(context.flow) => DnsMessage::lenient(message),
            None => (None, None),
        };
        return if finish(message, wrong, context) { Progress::Used(2 + length) } else { Progress::No };
    }
    if !context.last {
        return Progress::More;
    }
    // The rest will not come (captured short, or longer than a head may be): what is whole counts on port 53.
    if on_dns_port(context.flow) && plausible_header(rest) {
        let (message, wrong) = DnsMessage::lenient(rest);
        finish(message, wrong, context);
    }
    Progress::Done
}

/// The first byte of a length: on a foreign port 0 or 1, as of nearly all messages.
fn lone_byte<S: Sink>(bytes: &[u8], context: &Context<'_, S>) -> Progress {
    let believable = bytes.first().is_some_and(|first| *first <= 1 || on_dns_port(context.flow));
    if believable && !context.last { Progress::More } else { Progress::No }
}

fn finish<S: Sink>(message: Option<DnsMessage<'_>>, wrong: Option<Anomaly>, context: &mut Context<'_, S>) -> bool {
    if let Some(anomaly) = wrong {
        context.anomalies.count(anomaly);
    }
    let Some(message) = message else { return false };
    let fact = if message.is_response() { Fact::DnsResponse(message) } else { Fact::DnsQuery(message) };
    context.emit(fact);
    true
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes(two.try_into().ok()?))
}

fn record_count(bytes: &[u8]) -> usize {
    [6, 8, 10].iter().map(|at| usize::from(word(bytes, *at).unwrap_or(0))).sum()
}

/// Whether a header looks like one: few questions, known opcode, no reserved bit, sections that can be.
/// The word that rejects nearly everything else, the number of questions, is looked at first.
fn plausible_header(bytes: &[u8]) -> bool {
    let Some(&[q0, q1]) = bytes.get(4..6) else { return false };
    let questions = u16::from_be_bytes([q0, q1]);
    if questions == 0 || questions > QUESTIONS {
        return false;
    }
    let (Some(flags), Some(answers), true) = (word(bytes, 2), word(bytes, 6), bytes.len() >= HEADER) else {
        return false;
    };
    plausible_flags(flags) && (flags & 0x8000 != 0 || flags >> 11 == 5 || answers <= 1)
}

/// Known opcode (query, notify, update), no reserved bit; a question has no RCODE.
fn plausible_flags(flags: u16) -> bool {
    let opcode = (flags >> 11) & 0x0f;
    let query = flags & 0x8000 == 0;
    matches!(opcode, 0 | 4 | 5) && flags & 0x0040 == 0 && (!query || flags & 0x0f == 0)
}

/// As [`plausible_header`], of as much of a header as there is.
fn plausible_beginning(bytes: &[u8]) -> bool {
    if bytes.len() >= HEADER {
        return plausible_header(bytes);
    }
    let flags = word(bytes, 2).is_none_or(plausible_flags);
    let questions = match (bytes.get(4), bytes.get(5)) {
        (Some(0), Some(low)) => (1..=QUESTIONS).contains(&u16::from(*low)),
        (high, _) => high.is_none_or(|high| *high == 0),
    };
    flags && questions
}

/// Whether types and classes of all questions are ones that occur.
fn plausible_questions(bytes: &[u8]) -> bool {
    let mut at = HEADER;
    for _ in 0..word(bytes, 4).unwrap_or(0) {
        let Ok(name) = check_name(bytes, at) else { return false };
        let (Some(kind), Some(class)) = (word(bytes, name.next), word(bytes, name.next + 2)) else { return false };
        if !matches!(kind, 1..=300 | 32768..=32769 | 65280..) || !matches!(class & 0x7fff, 1..=4 | 254 | 255) {
            return false;
        }
        at = name.next + 4;
    }
    true
}

/// Sections that hold together.
struct Whole {
    /// Where the last one ends.
    end: usize,
    /// Something odd that does not stop reading.
    anomaly: Option<Anomaly>,
}

/// Sections that do not.
struct Wrong {
    anomaly: Anomaly,
    /// Whether what comes before the first wrong byte says something: a question, or a record's name.
    usable: bool,
}

fn check_sections(bytes: &[u8]) -> Result<Whole, Wrong> {
    let mut at = HEADER;
    let mut anomaly = None;
    let mut usable = false;
    for _ in 0..word(bytes, 4).unwrap_or(0) {
        let name = check_name(bytes, at).map_err(|anomaly| Wrong { anomaly, usable })?;
        anomaly = anomaly.or(name.anomaly);
        at = name.next + 4;
        if at > bytes.len() {
            return Err(Wrong { anomaly: Anomaly::DnsMalformed, usable });
        }
        usable = true;
    }
    for _ in 0..record_count(bytes) {
        let name = check_name(bytes, at).map_err(|anomaly| Wrong { anomaly, usable })?;
        anomaly = anomaly.or(name.anomaly);
        let wrong = Wrong { anomaly: Anomaly::DnsMalformed, usable };
        (_, _, at) = record_body(bytes, name.next).ok_or(wrong)?;
        usable = true;
    }
    Ok(Whole { end: at, anomaly })
}

fn skip_questions(bytes: &[u8]) -> Option<usize> {
    let mut at = HEADER;
    for _ in 0..word(bytes, 4)? {
        at = run(bytes, at)?.next + 4;
    }
    Some(at)
}

/// Type, data and end of the record whose fixed part (RFC 1035 section 4.1.3) stands at `at`.
fn record_body(bytes: &[u8], at: usize) -> Option<(u16, &[u8], usize)> {
    let kind = word(bytes, at)?;
    let length = usize::from(word(bytes, at + 8)?);
    let start = at + 10;
    Some((kind, bytes.get(start..start + length)?, start + length))
}

/// `data` ends at `end` of the message, where a name in it may point back into.
fn read_data<'a>(bytes: &'a [u8], kind: u16, data: &'a [u8], end: usize) -> RecordData<'a> {
    let read = match kind {
        A => <[u8; 4]>::try_from(data).ok().map(|octets| RecordData::Address(Ipv4Addr::from(octets).into())),
        AAAA => <[u8; 16]>::try_from(data).ok().map(|octets| RecordData::Address(Ipv6Addr::from(octets).into())),
        CNAME | DNAME => {
            bytes.get(..end).and_then(|upto| read_name(upto, end - data.len())).map(|(name, _)| RecordData::Alias(name))
        }
        _ => None,
    };
    read.unwrap_or(RecordData::Other(data))
}

/// What ends a run of labels.
#[derive(Clone, Copy)]
enum RunEnd {
    /// The root label.
    Root,
    /// A compression pointer to this offset.
    Pointer(usize),
}

/// Labels that stand one behind the other: from their first length byte to the byte that ends them.
struct Run<'a> {
    labels: &'a [u8],
    end: RunEnd,
    /// The byte after the root label or the pointer.
    next: usize,
}

fn run(bytes: &[u8], start: usize) -> Option<Run<'_>> {
    let mut at = start;
    loop {
        let length = *bytes.get(at)?;
        let (end, next) = match length {
            0 => (RunEnd::Root, at + 1),
            1..0x40 => {
                at += 1 + usize::from(length);
                continue;
            }
            0xc0.. => (RunEnd::Pointer(usize::from(word(bytes, at)? & 0x3fff)), at + 2),
            _ => return None,
        };
        return Some(Run { labels: bytes.get(start..at)?, end, next });
    }
}

struct CheckedName {
    /// The byte after the name, at the place where it stands.
    next: usize,
    /// Something odd that does not stop reading.
    anomaly: Option<Anomaly>,
}

/// Walks a name and its pointers, so that [`read_name`] is sure to succeed on it.
fn check_name(bytes: &[u8], start: usize) -> Result<CheckedName, Anomaly> {
    let (mut at, mut octets, mut pointers) = (start, 1, 0);
    let mut next = None;
    let mut odd = false;
    loop {
        let run = run(bytes, at).ok_or(Anomaly::DnsMalformed)?;
        octets += run.labels.len();
        if octets > NAME_OCTETS {
            return Err(Anomaly::DnsName);
        }
        odd |= has_dot(run.labels) && labels(run.labels).any(|label| label.contains(&b'.'));
        next = next.or(Some(run.next));
        match run.end {
            RunEnd::Root => {
                let anomaly = odd.then_some(Anomaly::DnsName);
                return Ok(CheckedName { next: next.unwrap_or(run.next), anomaly });
            }
            RunEnd::Pointer(target) => {
                pointers += 1;
                odd |= target >= at;
                if pointers > POINTERS {
                    return Err(Anomaly::DnsName);
                }
                at = target;
            }
        }
    }
}

/// The name at `start` and the byte after it.
fn read_name(bytes: &[u8], start: usize) -> Option<(Name, usize)> {
    let mut name = Name::EMPTY;
    let next = append_name(bytes, start, &mut name)?;
    Some((name, next))
}

/// Appends the name at `start`, and gives the byte after it.
#[inline]
fn append_name(bytes: &[u8], start: usize, name: &mut Name) -> Option<usize> {
    let (mut at, mut pointers) = (start, 0);
    let mut next = None;
    loop {
        let run = run(bytes, at)?;
        if !name.push_run(run.labels) {
            return None;
        }
        next = next.or(Some(run.next));
        match run.end {
            RunEnd::Root => return next,
            RunEnd::Pointer(target) => {
                pointers += 1;
                if pointers > POINTERS {
                    return None;
                }
                at = target;
            }
        }
    }
}

/// The labels of a run, without their length bytes.
fn labels(run: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = run;
    std::iter::from_fn(move || {
        let (length, tail) = rest.split_first()?;
        let (label, tail) = tail.split_at_checked(usize::from(*length))?;
        rest = tail;
        Some(label)
    })
}
