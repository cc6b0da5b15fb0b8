//! SMTP greetings (RFC 5321 section 4.1.1.1): who a client says it is. What follows, STARTTLS among it, begins
//! in segments of its own and is recognised there.

use memchr::memchr;

use super::context::{Beginning, Context, Progress, begins};
use crate::fact::NameSource;
use crate::{Fact, Name, Sink};

/// Longest command line, bytes (RFC 5321 section 4.5.3.1.4).
const LINE: usize = 512;
const VERBS: [&[u8]; 3] = [b"EHLO ", b"HELO ", b"LHLO "];

/// Reads a greeting line.
pub(crate) fn stream<S: Sink>(bytes: &[u8], context: &mut Context<'_, S>) -> Progress {
    let mut beginning = Beginning::No;
    for verb in VERBS {
        match begins(bytes, verb) {
            Beginning::No => {}
            other => beginning = other,
        }
    }
    match beginning {
        Beginning::No => return Progress::No,
        Beginning::Part => return if context.last { Progress::No } else { Progress::More },
        Beginning::Whole => {}
    }
    let (line, used) = match memchr(b'\n', bytes) {
        Some(length) => (bytes.get(..length).unwrap_or_default(), length + 1),
        None if bytes.len() >= LINE => return Progress::No,
        None if !context.last => return Progress::More,
        None => (bytes, bytes.len()),
    };
    let argument = line.get(5..).unwrap_or_default().trim_ascii();
    let domain = argument.split(|byte| *byte == b' ').next().unwrap_or_default();
    // A client without a name gives its address in brackets (section 4.1.3): that is no name.
    if !domain.starts_with(b"[")
        && let Some(name) = Name::from_text(domain)
        && !name.is_empty()
    {
        context.emit(Fact::Named { source: NameSource::SmtpHelo, name: &name });
    }
    Progress::Used(used)
}
