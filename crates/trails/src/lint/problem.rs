//! What can be said of a line, how bad it is, and what to do.

use std::fmt;
use std::path::Path;
use std::rc::Rc;

use ipnet::IpNet;

use super::Mend;
use crate::indicator::{Kind, Why};
use crate::probe::Inert;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The line is of no use as it stands.
    Error,
    /// It counts, and is hardly what somebody wants.
    Warning,
    /// It counts; it could be said better.
    Note,
}

impl Level {
    /// All, the worst first.
    pub const ALL: [Level; 3] = [Level::Error, Level::Warning, Level::Note];

    /// In a word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "note",
        }
    }
}

/// What is to be said of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// It is no indicator.
    Refused(Why),
    /// It can never be found.
    Inert {
        /// Why.
        cause: Inert,
        /// What is found in its place.
        instead: Vec<String>,
    },
    /// USER_WHITELIST has it, or what it lies in.
    Whitelisted,
    /// Addresses of nobody on the Internet.
    Private {
        /// Whether it is left out: only the user's own lists may hold them.
        left_out: bool,
    },
    /// Addresses of HOME_NETWORKS.
    Own(IpNet),
    /// Everything below a top-level domain.
    WholeTld,
    /// A name of local networks.
    Local,
    /// A resolver that anybody may use, and who runs it.
    Resolver(String),
    /// A URL of a host without a path: requests alone are held against it, not names that are asked for.
    RequestsOnly,
    /// The same stands elsewhere.
    Repeated {
        /// In which file.
        file: Rc<Path>,
        /// In which line of it.
        line: u64,
    },
    /// It is read in another form.
    Mended {
        /// Of which kind it is then.
        kind: Kind,
        /// What it is then.
        read_as: String,
        /// What was changed.
        mends: Vec<Mend>,
    },
}

impl Problem {
    /// How bad it is.
    #[must_use]
    pub fn level(&self) -> Level {
        match self {
            Problem::Refused(_) | Problem::Inert { .. } | Problem::Whitelisted => Level::Error,
            Problem::Private { left_out: true } => Level::Error,
            Problem::Private { left_out: false } | Problem::Own(_) | Problem::WholeTld => Level::Warning,
            Problem::Local | Problem::Resolver(_) | Problem::RequestsOnly => Level::Warning,
            Problem::Repeated { .. } | Problem::Mended { .. } => Level::Note,
        }
    }

    /// Its sort in a word, for programs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Problem::Refused(_) => "refused",
            Problem::Inert { .. } => "inert",
            Problem::Whitelisted => "whitelisted",
            Problem::Private { .. } => "private",
            Problem::Own(_) => "own",
            Problem::WholeTld => "tld",
            Problem::Local => "local",
            Problem::Resolver(_) => "resolver",
            Problem::RequestsOnly => "requests",
            Problem::Repeated { .. } => "repeated",
            Problem::Mended { .. } => "mended",
        }
    }

    /// What to do.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Problem::Refused(why) => of_refused(*why),
            Problem::Inert { cause: Inert::Local, .. } => {
                "put it on a list of your own (CUSTOM_TRAILS_DIR) or remove it"
            }
            Problem::Inert { .. } => "remove the line: it has no effect",
            Problem::Whitelisted => "remove it here, or from USER_WHITELIST",
            Problem::Private { left_out: true } => "put it on a list of your own (CUSTOM_TRAILS_DIR) or remove it",
            Problem::Private { left_out: false } => "be sure that no host of yours has it: every packet would be told",
            Problem::Own(_) => "remove it, unless every packet of these hosts is to be told",
            Problem::WholeTld => "write the names that are meant, unless all of the top-level domain is",
            Problem::Local => "be sure that it is no name of your own network",
            Problem::Resolver(_) => "remove it, unless asking this resolver is what you want to hear of",
            Problem::RequestsOnly => "write the name alone to be told of all that asks for it, DNS and TLS too",
            Problem::Repeated { .. } => "keep one of them",
            Problem::Mended { .. } => "nothing, unless something else was meant",
        }
    }
}

fn of_refused(why: Why) -> &'static str {
    match why {
        Why::Empty => "write the name, address or path behind it, or remove the line",
        Why::TooLong => "shorten it: a URL has at most 2048 characters, a name 253",
        Why::Encoding => "save the file as UTF-8",
        Why::Character => "one indicator a line; a comment begins with #",
        Why::NameLabel => "look for two dots in a row, or a label of more than 63 characters",
        Why::Address => "an IPv4 address has four numbers up to 255; write [address]:port for IPv6",
        Why::Port => "write a port from 1 to 65535, or the address alone",
        Why::TwoPorts => "write one address:port a line",
        Why::PrefixLength => "the length of a network is 1 to 32, or 1 to 128 for IPv6",
        Why::PatternSlash => "patterns are of names; write a path without wildcards",
        Why::PatternMatchesAll => "write what must be in a name: the pattern matches every one",
        Why::PatternSyntax => "look for a bracket that is not closed; a literal dot is \\.",
        Why::PatternSize => "make it smaller: shorter repetitions, fewer alternatives",
        Why::Row => "a row of a CSV is trail,info,reference, in quotes where a comma stands in them",
        Why::Full => "remove lists that are not needed",
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Refused(why) => write!(out, "{why}"),
            Problem::Inert { cause, instead } => {
                write!(out, "can never be found: {cause}")?;
                if instead.is_empty() { Ok(()) } else { write!(out, ": {}", instead.join(", ")) }
            }
            Problem::Whitelisted => out.write_str("is on USER_WHITELIST"),
            Problem::Private { left_out: true } => {
                out.write_str("is private or reserved, and left out of lists of others")
            }
            Problem::Private { left_out: false } => out.write_str("is private or reserved"),
            Problem::Own(net) => write!(out, "lies in your own networks (HOME_NETWORKS {net})"),
            Problem::WholeTld => out.write_str("lists a whole top-level domain"),
            Problem::Local => out.write_str("is a name of local networks"),
            Problem::Resolver(who) => write!(out, "is a public resolver ({who})"),
            Problem::RequestsOnly => out.write_str("lists HTTP requests to this host alone, not its name"),
            Problem::Repeated { file, line } => write!(out, "stands in {}:{line} already", file.display()),
            Problem::Mended { kind, read_as, mends } => {
                let mends: Vec<String> = mends.iter().map(ToString::to_string).collect();
                write!(out, "is read as {} {read_as} ({})", kind.as_str(), mends.join(", "))
            }
        }
    }
}
