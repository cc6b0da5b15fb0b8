//! HTTP/1 heads (RFC 9112), read as leniently as servers and malware do: any method, no version, bare LF,
//! header names in any case, folded lines, white space around names, a head that never ends.
//!
//! Only heads are read. A body is handed over as far as it came with its head and never waited for.

use super::context::{Beginning, Context, Progress, begins};
use crate::{Anomaly, Fact, Sink};

/// Longest method.
const METHOD: usize = 32;
/// Bytes of a line that are looked at together.
const STEP: usize = 32;
/// The bit that makes letters small, in every byte.
const SMALL: u64 = 0x2020_2020_2020_2020;
/// Line ends that may precede a message (RFC 9112 section 2.2 asks for one to be ignored).
const LEADING_LINE_ENDS: usize = 8;
/// Methods that are believed without a version behind the target (HTTP/0.9 knew only the first).
const KNOWN: [&[u8]; 9] = [b"GET", b"POST", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"TRACE", b"CONNECT", b"PATCH"];

/// A request head. Values are as sent, without surrounding white space; absent ones are empty.
#[derive(Clone, Copy, Debug)]
pub struct HttpRequest<'a> {
    /// Method.
    pub method: &'a [u8],
    /// Request target as it stands in the request line (origin, absolute or authority form).
    pub target: &'a [u8],
    /// Host header, with its port if it has one.
    pub host: &'a [u8],
    /// User-Agent.
    pub user_agent: &'a [u8],
    /// X-Forwarded-For, CF-Connecting-IP, True-Client-IP, in this order; empty where absent.
    pub forwarded_for: [&'a [u8]; 3],
    /// Referer.
    pub referer: &'a [u8],
    /// Content-Type.
    pub content_type: &'a [u8],
    /// The whole head, request line included.
    pub head: &'a [u8],
    /// What of the body came with the head.
    pub body: &'a [u8],
}

/// A response head.
#[derive(Clone, Copy, Debug)]
pub struct HttpResponse<'a> {
    /// Status code.
    pub status: u16,
    /// Content-Type.
    pub content_type: &'a [u8],
    /// Server.
    pub server: &'a [u8],
    /// Location.
    pub location: &'a [u8],
    /// The whole head, status line included.
    pub head: &'a [u8],
    /// What of the body came with the head.
    pub body: &'a [u8],
}

/// Reads one request or response head from a place where one may begin.
pub(crate) fn stream<S: Sink>(bytes: &[u8], context: &mut Context<'_, S>) -> Progress {
    let skipped = bytes.iter().take(LEADING_LINE_ENDS).take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let Some(head) = bytes.get(skipped..) else { return Progress::No };
    if head.is_empty() {
        return if context.last { Progress::No } else { Progress::More };
    }
    let progress = match begins(head, b"HTTP/") {
        Beginning::Whole => response(head, context),
        Beginning::Part if !context.last => Progress::More,
        _ => request(head, context),
    };
    match progress {
        Progress::Used(used) => Progress::Used(skipped + used),
        other => other,
    }
}

/// One line of a head.
struct Line<'a> {
    /// Without its end.
    text: &'a [u8],
    /// Where the next one begins.
    next: usize,
    /// Whether its LF was there.
    ended: bool,
}

/// Where the first LF stands. Most lines are short: there this costs less than a call of `memchr`.
#[inline(always)]
fn line_end(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes;
    // Without a way out, the loop over a step looks at many bytes at a time.
    while let Some((step, behind)) = rest.split_first_chunk::<STEP>()
        && !step.iter().fold(false, |any, byte| any | (*byte == b'\n'))
    {
        rest = behind;
    }
    const ONES: u64 = 0x0101_0101_0101_0101;
    while let Some((word, behind)) = rest.split_first_chunk::<8>() {
        let different = u64::from_le_bytes(*word) ^ (ONES * b'\n' as u64);
        // The lowest byte that is equal has its top bit set.
        let equal = different.wrapping_sub(ONES) & !different & (ONES << 7);
        if equal != 0 {
            return Some(bytes.len() - rest.len() + equal.trailing_zeros() as usize / 8);
        }
        rest = behind;
    }
    rest.iter().position(|byte| *byte == b'\n').map(|at| bytes.len() - rest.len() + at)
}

/// The line at `at`; what there is of it where its LF is missing.
fn line(bytes: &[u8], at: usize) -> Option<Line<'_>> {
    let rest = bytes.get(at..)?;
    let (text, next, ended) = match line_end(rest) {
        Some(length) => (rest.get(..length)?, at + length + 1, true),
        None => (rest, bytes.len(), false),
    };
    Some(Line { text: text.strip_suffix(b"\r").unwrap_or(text), next, ended })
}

struct RequestLine<'a> {
    method: &'a [u8],
    target: &'a [u8],
    versioned: bool,
}

/// What the first line says of a request.
enum First<'a> {
    Request(RequestLine<'a>),
    /// It could become one when its rest is there.
    Perhaps,
    No,
}

fn request_line<'a>(line: &Line<'a>) -> First<'a> {
    let text = line.text;
    let length = match text {
        // As nearly all begin.
        [b'G', b'E', b'T', b' ', ..] => Some(3),
        [b'P', b'O', b'S', b'T', b' ', ..] => Some(4),
        _ => text.iter().take(METHOD + 1).position(|byte| !is_method(*byte)),
    };
    let Some(length) = length else {
        return if !line.ended && text.len() <= METHOD && text.iter().all(|byte| is_upper_method(*byte)) {
            First::Perhaps
        } else {
            First::No
        };
    };
    let (Some(method), Some(rest)) = (text.get(..length), text.get(length..)) else { return First::No };
    if method.is_empty() || !matches!(rest.first(), Some(b' ' | b'\t')) {
        return First::No;
    }
    let rest = rest.trim_ascii();
    if let Some(target) = strip_version(rest) {
        return First::Request(RequestLine { method, target, versioned: true });
    }
    if !line.ended {
        let upper = method.iter().all(|byte| is_upper_method(*byte));
        let known = KNOWN.contains(&method) || (method.len() > 2 && upper);
        let target = matches!(rest.first(), None | Some(b'/' | b'h' | b'H' | b'*'));
        let believable = upper && target && known || method == b"CONNECT";
        return if believable { First::Perhaps } else { First::No };
    }
    if !KNOWN.contains(&method) || other_protocol(rest) || !names_resource(rest) {
        return First::No;
    }
    First::Request(RequestLine { method, target: rest, versioned: false })
}

/// Bytes of a method. A lower-case one is only believed with a version behind it.
fn is_method(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_')
}

fn is_upper_method(byte: u8) -> bool {
    byte.is_ascii_uppercase() || matches!(byte, b'-' | b'_')
}

/// The target before a trailing `HTTP/` version; `None` where there is no such version.
fn strip_version(rest: &[u8]) -> Option<&[u8]> {
    // As nearly all write it.
    if let Some((target, version)) = rest.split_last_chunk::<9>()
        && (version == b" HTTP/1.1" || version == b" HTTP/1.0")
    {
        return Some(target.trim_ascii_end());
    }
    let space = rest.iter().rposition(|byte| matches!(byte, b' ' | b'\t'));
    let version = rest.get(space.map_or(0, |space| space + 1)..)?;
    let (name, number) = version.split_at_checked(5)?;
    if !name.eq_ignore_ascii_case(b"HTTP/") || !number.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    rest.get(..space.unwrap_or(0)).map(<[u8]>::trim_ascii_end)
}

/// A last word such as `RTSP/1.0`: the line belongs to a relative of HTTP.
fn other_protocol(rest: &[u8]) -> bool {
    let word = rest.rsplit(|byte| matches!(byte, b' ' | b'\t')).next().unwrap_or_default();
    let Some(slash) = word.iter().position(|byte| *byte == b'/') else { return false };
    word.len() < rest.len()
        && slash > 0
        && word.iter().take(slash).all(u8::is_ascii_uppercase)
        && word.get(slash + 1).is_some_and(u8::is_ascii_digit)
}

/// What a target without a version must look like.
fn names_resource(target: &[u8]) -> bool {
    begins(target, b"/") == Beginning::Whole
        || begins(target, b"http://") == Beginning::Whole
        || begins(target, b"https://") == Beginning::Whole
}

fn request<S: Sink>(bytes: &[u8], context: &mut Context<'_, S>) -> Progress {
    if !bytes.first().is_some_and(|byte| is_method(*byte)) {
        return Progress::No;
    }
    let Some(first) = line(bytes, 0) else { return Progress::No };
    let start = match request_line(&first) {
        First::No => return Progress::No,
        First::Perhaps if !context.last => return Progress::More,
        First::Perhaps => match endless_line(first.text) {
            Some(start) => start,
            None => return Progress::No,
        },
        First::Request(_) if !first.ended && !context.last => return Progress::More,
        First::Request(start) => start,
    };
    // Without a version no headers need follow; where some do, they are read.
    let (fields, end) = RequestFields::read(bytes, first.next);
    let end = if !start.versioned && first.next == bytes.len() { Some(first.next) } else { end };
    if end.is_none() && !context.last {
        return Progress::More;
    }
    let end = end.unwrap_or(bytes.len());
    let (head, rest) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
    let length = if fields.chunked { chunked_length(rest) } else { fields.content_length };
    let body = body_of(rest, length, start.method);
    context.emit(Fact::HttpRequest(HttpRequest {
        method: start.method,
        target: start.target,
        host: fields.host,
        user_agent: fields.user_agent,
        forwarded_for: fields.forwarded_for,
        referer: fields.referer,
        content_type: fields.content_type,
        head,
        body,
    }));
    // A body of unknown length is looked at once more: it may be the next request or a tunnel's content.
    Progress::Used(end + length.map_or(0, |_| body.len()))
}

/// Bytes of a chunked body (RFC 9112 section 7.1) that is whole.
fn chunked_length(body: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let size = line(body, at).filter(|line| line.ended)?;
        let digits = size.text.split(|byte| *byte == b';').next()?.trim_ascii();
        let length = usize::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        at = size.next.checked_add(length).filter(|at| *at <= body.len())?;
        // Behind a chunk stands a line end; behind the last one, trailer lines and an empty line.
        loop {
            let line = line(body, at).filter(|line| line.ended)?;
            at = line.next;
            if line.text.is_empty() {
                break;
            }
            if length > 0 {
                return None;
            }
        }
        if length == 0 {
            return Some(at);
        }
    }
}

/// A request line that outgrew its head: its method and what there is of its target.
fn endless_line(text: &[u8]) -> Option<RequestLine<'_>> {
    let space = text.iter().position(|byte| matches!(byte, b' ' | b'\t'))?;
    let (method, rest) = text.split_at_checked(space)?;
    let target = rest.trim_ascii();
    (!target.is_empty()).then_some(RequestLine { method, target, versioned: true })
}

/// What of `rest`, the bytes behind a head, is its body.
fn body_of<'a>(rest: &'a [u8], content_length: Option<usize>, method: &[u8]) -> &'a [u8] {
    match content_length {
        _ if rest.is_empty() => rest,
        Some(length) => rest.get(..length).unwrap_or(rest),
        None if method == b"CONNECT" => &[],
        None => match line(rest, 0).map(|line| request_line(&line)) {
            Some(First::Request(_)) => &[],
            _ => rest,
        },
    }
}

fn response<S: Sink>(bytes: &[u8], context: &mut Context<'_, S>) -> Progress {
    let Some(first) = line(bytes, 0) else { return Progress::No };
    let status = first.text.splitn(2, |byte| *byte == b' ').nth(1).map(<[u8]>::trim_ascii_start).and_then(status);
    if !first.ended && !context.last {
        return Progress::More;
    }
    let Some(status) = status else {
        context.anomalies.count(Anomaly::HttpMalformed);
        return Progress::No;
    };
    let (fields, end) = ResponseFields::read(bytes, first.next);
    if end.is_none() && !context.last {
        return Progress::More;
    }
    let end = end.unwrap_or(bytes.len());
    let (head, rest) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
    let body = match fields.content_length {
        Some(length) => rest.get(..length).unwrap_or(rest),
        None => rest,
    };
    context.emit(Fact::HttpResponse(HttpResponse {
        status,
        content_type: fields.content_type,
        server: fields.server,
        location: fields.location,
        head,
        body,
    }));
    Progress::Used(end + fields.content_length.map_or(0, |_| body.len()))
}

/// Three digits, and nothing that makes them another number.
fn status(text: &[u8]) -> Option<u16> {
    let (digits, rest) = text.split_at_checked(3)?;
    if !digits.iter().all(u8::is_ascii_digit) || rest.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0')))
}

/// Fields of heads that are of interest.
#[derive(Clone, Copy)]
enum Field {
    Host,
    UserAgent,
    ForwardedFor,
    ConnectingIp,
    ClientIp,
    Referer,
    ContentType,
    ContentLength,
    TransferEncoding,
    Server,
    Location,
}

/// Fields whose names, in lower case, begin with this letter.
fn fields_from(letter: u8) -> &'static [(&'static [u8], Field)] {
    match letter | 0x20 {
        b'h' => &[(b"host", Field::Host)],
        b'u' => &[(b"user-agent", Field::UserAgent)],
        b'c' => &[
            (b"content-type", Field::ContentType),
            (b"content-length", Field::ContentLength),
            (b"cf-connecting-ip", Field::ConnectingIp),
        ],
        b't' => &[(b"transfer-encoding", Field::TransferEncoding), (b"true-client-ip", Field::ClientIp)],
        b'r' => &[(b"referer", Field::Referer)],
        b'x' => &[(b"x-forwarded-for", Field::ForwardedFor)],
        b's' => &[(b"server", Field::Server)],
        b'l' => &[(b"location", Field::Location)],
        _ => &[],
    }
}

/// The field that a line holds, and where in the line its value begins. Most lines are told by their first letter, and
/// names are compared as a few words of known length.
#[inline(always)]
fn field_of(line: &[u8]) -> Option<(Field, usize)> {
    match line.first()? {
        b'h' | b'H' => named(line, b"host", Field::Host),
        b'u' | b'U' => named(line, b"user-agent", Field::UserAgent),
        b'c' | b'C' => named(line, b"content-type", Field::ContentType)
            .or_else(|| named(line, b"content-length", Field::ContentLength))
            .or_else(|| named(line, b"cf-connecting-ip", Field::ConnectingIp)),
        b't' | b'T' => named(line, b"transfer-encoding", Field::TransferEncoding)
            .or_else(|| named(line, b"true-client-ip", Field::ClientIp)),
        b'r' | b'R' => named(line, b"referer", Field::Referer),
        b'x' | b'X' => named(line, b"x-forwarded-for", Field::ForwardedFor),
        b's' | b'S' => named(line, b"server", Field::Server),
        b'l' | b'L' => named(line, b"location", Field::Location),
        b' ' | b'\t' => field_among_blanks(line),
        _ => None,
    }
}

/// The field where the line begins with its name, which is given in lower case.
#[inline(always)]
fn named<const N: usize>(line: &[u8], name: &[u8; N], field: Field) -> Option<(Field, usize)> {
    let (head, rest) = line.split_first_chunk::<N>()?;
    let behind = rest.first().filter(|byte| matches!(byte, b':' | b' ' | b'\t'))?;
    if !is_name(head, name) {
        return None;
    }
    if *behind == b':' { Some((field, N + 1)) } else { field_among_blanks(line) }
}

/// Whether the letters are those of the name, as words that may overlap.
#[inline(always)]
fn is_name<const N: usize>(letters: &[u8; N], name: &[u8; N]) -> bool {
    // Setting the bit that makes letters small leaves the hyphen as it is.
    let long = |letters: &[u8; 8], name: &[u8; 8]| u64::from_le_bytes(*letters) | SMALL == u64::from_le_bytes(*name);
    let short =
        |letters: &[u8; 4], name: &[u8; 4]| u32::from_le_bytes(*letters) | SMALL as u32 == u32::from_le_bytes(*name);
    if let (Some(letters_end), Some(name_end)) = (letters.last_chunk(), name.last_chunk()) {
        let words = letters.as_chunks().0.iter().zip(name.as_chunks().0);
        return words.fold(long(letters_end, name_end), |same, (letters, name)| same & long(letters, name));
    }
    letters.first_chunk().zip(name.first_chunk()).is_some_and(|(letters, name)| short(letters, name))
        && letters.last_chunk().zip(name.last_chunk()).is_some_and(|(letters, name)| short(letters, name))
}

/// As [`field_of`], with white space around the name.
#[cold]
fn field_among_blanks(line: &[u8]) -> Option<(Field, usize)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let text = line.get(..colon)?.trim_ascii();
    let candidates = fields_from(*text.first()?);
    let same = |name: &[u8]| text.len() == name.len() && text.iter().zip(name).all(|(byte, name)| byte | 0x20 == *name);
    let (_, field) = candidates.iter().find(|(name, _)| same(name))?;
    Some((*field, colon + 1))
}

/// Reads header lines from `at` on, and calls `visit` with field and value of each that is of interest. Returns
/// where the head ends, `None` where its empty line is missing.
#[inline(always)]
fn headers<'a>(bytes: &'a [u8], mut at: usize, mut visit: impl FnMut(Field, &'a [u8])) -> Option<usize> {
    loop {
        let rest = bytes.get(at..)?;
        match rest {
            [b'\n', ..] => return Some(at + 1),
            [b'\r', b'\n', ..] => return Some(at + 2),
            [] | [b'\r'] => return None,
            _ => {}
        }
        let length = line_end(rest);
        let line = length.and_then(|length| rest.get(..length)).unwrap_or(rest);
        if let Some((field, value)) = field_of(line) {
            let end = at + line.len();
            let (end, next) = folded(bytes, end);
            visit(field, bytes.get(at + value..end).unwrap_or_default().trim_ascii());
            at = next;
        } else {
            at += line.len() + 1;
        }
        length?;
    }
}

/// Where a value ends whose first line ends at `end`, and where the next line begins. Lines that begin with white space
/// continue the value (obsolete folding, RFC 9112 section 5.2).
#[inline(always)]
fn folded(bytes: &[u8], mut end: usize) -> (usize, usize) {
    let mut at = end + 1;
    while let Some(b' ' | b'\t') = bytes.get(at)
        && let Some(more) = line(bytes, at)
        && !more.text.trim_ascii().is_empty()
    {
        end = at + more.text.len();
        at = more.next;
    }
    (end, at)
}

/// Keeps the first value that is not empty.
fn keep<'a>(to: &mut &'a [u8], value: &'a [u8]) {
    if to.is_empty() {
        *to = value;
    }
}

/// Whether the last of a list of transfer codings is `chunked`.
fn ends_chunked(codings: &[u8]) -> bool {
    codings.rsplit(|byte| *byte == b',').next().is_some_and(|last| last.trim_ascii().eq_ignore_ascii_case(b"chunked"))
}

fn number(value: &[u8]) -> Option<usize> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

#[derive(Default)]
struct RequestFields<'a> {
    host: &'a [u8],
    user_agent: &'a [u8],
    forwarded_for: [&'a [u8]; 3],
    referer: &'a [u8],
    content_type: &'a [u8],
    content_length: Option<usize>,
    chunked: bool,
}

impl<'a> RequestFields<'a> {
    /// From the header lines from `at` on, and where the head ends.
    #[inline(always)]
    fn read(bytes: &'a [u8], at: usize) -> (Self, Option<usize>) {
        let mut fields = Self::default();
        let end = headers(bytes, at, |field, value| fields.take(field, value));
        (fields, end)
    }

    fn take(&mut self, field: Field, value: &'a [u8]) {
        let [forwarded, connecting, client] = &mut self.forwarded_for;
        match field {
            Field::Host => keep(&mut self.host, value),
            Field::UserAgent => keep(&mut self.user_agent, value),
            Field::ForwardedFor => keep(forwarded, value),
            Field::ConnectingIp => keep(connecting, value),
            Field::ClientIp => keep(client, value),
            Field::Referer => keep(&mut self.referer, value),
            Field::ContentType => keep(&mut self.content_type, value),
            Field::ContentLength => self.content_length = self.content_length.or(number(value)),
            // It overrides Content-Length (RFC 9112 section 6.3).
            Field::TransferEncoding => self.chunked |= ends_chunked(value),
            Field::Server | Field::Location => {}
        }
    }
}

#[derive(Default)]
struct ResponseFields<'a> {
    content_type: &'a [u8],
    server: &'a [u8],
    location: &'a [u8],
    content_length: Option<usize>,
}

impl<'a> ResponseFields<'a> {
    /// From the header lines from `at` on, and where the head ends.
    #[inline(always)]
    fn read(bytes: &'a [u8], at: usize) -> (Self, Option<usize>) {
        let mut fields = Self::default();
        let end = headers(bytes, at, |field, value| fields.take(field, value));
        (fields, end)
    }

    fn take(&mut self, field: Field, value: &'a [u8]) {
        match field {
            Field::ContentType => keep(&mut self.content_type, value),
            Field::Server => keep(&mut self.server, value),
            Field::Location => keep(&mut self.location, value),
            Field::ContentLength => self.content_length = self.content_length.or(number(value)),
            _ => {}
        }
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)] // Of tests.
mod tests {
    use super::*;

    #[test]
    fn line_ends_wherever_they_stand() {
        for length in 0..100 {
            let mut bytes = vec![0x8a; length];
            assert_eq!(line_end(&bytes), None, "{length}");
            for at in (0..length).rev() {
                bytes[at] = b'\n';
                assert_eq!(line_end(&bytes), Some(at), "{length}");
            }
        }
    }

    #[test]
    fn names_of_fields_in_any_case() {
        for letter in b'a'..=b'z' {
            for (name, _) in fields_from(letter) {
                for line in [name.to_ascii_lowercase(), name.to_ascii_uppercase()] {
                    let place = |line: &[u8]| field_of(line).map(|(field, value)| (field as u8, value));
                    let expected = |line: &[u8]| field_among_blanks(line).map(|(field, value)| (field as u8, value));
                    let whole = [&line, &b": v"[..]].concat();
                    assert_eq!(place(&whole), expected(&whole), "{}", line.escape_ascii());
                    assert!(place(&whole).is_some(), "{}", line.escape_ascii());
                    assert_eq!(place(&[&line, &b" \t: v"[..]].concat()), expected(&[&line, &b" \t: v"[..]].concat()));
                    assert_eq!(place(&[&line, &b"x: v"[..]].concat()), None);
                    assert_eq!(place(&line), None);
                    for at in 0..line.len() {
                        let mut other = whole.clone();
                        other[at] ^= 0x01;
                        assert_eq!(place(&other), expected(&other), "{}", other.escape_ascii());
                        assert_eq!(place(&other), None, "{}", other.escape_ascii());
                    }
                }
            }
        }
    }
}
