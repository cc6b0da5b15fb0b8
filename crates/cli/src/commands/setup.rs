//! `maltrail sensor -T`: whether a sensor with this configuration would start and see what it should.

use std::fmt::Write as _;
use std::path::Path;

use pcap::{BpfProgram, Capture, Linktype};
use sensor::settings::PushSettings;
use sensor::{Settings, Source};
use trails::load;
use trails::read::is_csv;

use super::print;
use crate::arguments::SensorArguments;
use crate::config::{self, Config, Environment, Weight};
use crate::effective;
use crate::exit::Exit;
use crate::lists::Lists;

/// How one check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Ok,
    Warn,
    /// A sensor would end with this status.
    Fail(Exit),
}

/// What was checked, how it went, in words.
type Line = (&'static str, Verdict, String);

pub(crate) fn run(config: &Config, lists: Lists, arguments: &SensorArguments, environment: &Environment) -> Exit {
    let settings = effective::settings(config, lists, arguments, environment);
    let mut lines = configuration(config);
    lines.push(trails(&settings));
    lines.push(filter(&settings));
    lines.extend(capture(&settings));
    lines.push(logs(&settings));
    lines.extend(settings.push.iter().flat_map(server));
    let mut out = config::dump(config, environment);
    out.push('\n');
    for (what, verdict, text) in &lines {
        let word = match verdict {
            Verdict::Ok => "ok  ",
            Verdict::Warn => "warn",
            Verdict::Fail(_) => "FAIL",
        };
        let _ = writeln!(out, "{word} {what}: {text}");
    }
    print(&out);
    lines
        .iter()
        .find_map(|(_, verdict, _)| if let Verdict::Fail(exit) = verdict { Some(*exit) } else { None })
        .unwrap_or(Exit::Success)
}

fn configuration(config: &Config) -> Vec<Line> {
    let file = config
        .file
        .as_ref()
        .map_or_else(|| "built-in defaults, no file".to_string(), |file| file.display().to_string());
    let mut lines: Vec<Line> = config
        .problems
        .iter()
        .map(|problem| {
            let verdict = match problem.weight {
                Weight::Note => Verdict::Ok,
                Weight::Warning => Verdict::Warn,
                Weight::Error => Verdict::Fail(Exit::Usage),
            };
            ("configuration", verdict, problem.to_string())
        })
        .collect();
    if !config.has_errors() {
        lines.push(("configuration", Verdict::Ok, file));
    }
    lines
}

fn trails(settings: &Settings) -> Line {
    let path = &settings.trails_file;
    let fail = |text| ("trails", Verdict::Fail(Exit::NoTrails), text);
    let none = || {
        let text = format!("{} holds none; nothing would be found", path.display());
        if settings.allow_empty_trails { ("trails", Verdict::Warn, text) } else { fail(text) }
    };
    // All of it is looked at: opening a store looks at its head only.
    if !is_csv(path) {
        return match load::open_verified(path).map(|store| store.len()) {
            Ok(0) => none(),
            Ok(count) => ("trails", Verdict::Ok, format!("{count} in {}", path.display())),
            Err(error) => fail(error.to_string()),
        };
    }
    let built = load::current_place(path, &settings.cache_dir).ok().flatten();
    if let Some(Err(error)) = built.map(|place| load::open_verified(&place)) {
        return fail(error.to_string());
    }
    match std::fs::read(path) {
        Ok(bytes) if bytes.iter().all(u8::is_ascii_whitespace) => none(),
        Ok(bytes) => {
            let rows = bytes.split(|byte| *byte == b'\n').filter(|row| !row.is_empty()).count();
            ("trails", Verdict::Ok, format!("{rows} rows in {}", path.display()))
        }
        Err(error) => {
            fail(format!("cannot read {}: {error}; name a .csv or .bin with TRAILS_FILE or --trails", path.display()))
        }
    }
}

fn filter(settings: &Settings) -> Line {
    match (&settings.filter, compiled(settings), hidden_by_filter(settings)) {
        (Some(expression), Some(Err(error)), _) => {
            ("filter", Verdict::Fail(Exit::Usage), format!("`{expression}`: {error}; see pcap-filter(7)"))
        }
        (_, _, Some(warning)) => ("filter", Verdict::Warn, warning),
        (Some(expression), _, _) => ("filter", Verdict::Ok, format!("`{expression}`")),
        (None, _, _) => ("filter", Verdict::Ok, "none, everything is seen".to_string()),
    }
}

fn compiled(settings: &Settings) -> Option<Result<BpfProgram, pcap::Error>> {
    let expression = settings.filter.as_ref()?;
    Some(Capture::dead(Linktype::ETHERNET).and_then(|capture| capture.compile(expression, true)))
}

/// A sentence on what the filter keeps from being seen, if it does.
pub(crate) fn hidden_by_filter(settings: &Settings) -> Option<String> {
    let hidden = hidden(&compiled(settings)?.ok()?);
    let expression = settings.filter.as_deref()?;
    (!hidden.is_empty())
        .then(|| format!("CAPTURE_FILTER `{expression}` hides {}: not seen, not found", hidden.join(", ")))
}

/// What of the traffic that matters most a filter does not let through.
fn hidden(program: &BpfProgram) -> Vec<&'static str> {
    const TCP: u8 = 6;
    const UDP: u8 = 17;
    const SYN: u8 = 0x02;
    const PUSH_ACK: u8 = 0x18;
    let probes = [
        ("DNS", probe(UDP, 53, 0)),
        ("TCP connection requests (SYN)", probe(TCP, 8443, SYN)),
        ("HTTP", probe(TCP, 80, PUSH_ACK)),
        ("TLS", probe(TCP, 443, PUSH_ACK)),
        ("QUIC", probe(UDP, 443, 0)),
    ];
    probes.into_iter().filter(|(_, frame)| !program.filter(frame)).map(|(name, _)| name).collect()
}

/// A frame as an IPv4 host in an office would send it to a server on the Internet.
fn probe(protocol: u8, port: u16, tcp_flags: u8) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
    let transport: Vec<u8> = if protocol == 6 {
        let mut tcp = vec![0xc0, 0x00, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, tcp_flags, 0xff, 0xff, 0, 0, 0, 0];
        tcp.splice(2..4, port.to_be_bytes());
        tcp
    } else {
        let mut udp = vec![0xc0, 0x00, 0, 0, 0, 8 + 32, 0, 0];
        udp.splice(2..4, port.to_be_bytes());
        udp
    };
    let payload = [0u8; 32];
    let total = u16::try_from(20 + transport.len() + payload.len()).unwrap_or(u16::MAX).to_be_bytes();
    frame.extend([0x45, 0]);
    frame.extend(total);
    frame.extend([0, 1, 0x40, 0, 64, protocol, 0, 0, 192, 168, 1, 10, 203, 0, 113, 5]);
    frame.extend(transport);
    frame.extend(payload);
    frame
}

/// Interfaces and privileges, or capture files.
fn capture(settings: &Settings) -> Vec<Line> {
    match &settings.source {
        Source::Files(files) => files.iter().map(|file| readable(file)).collect(),
        Source::Live(names) => {
            let mut lines = vec![privilege()];
            lines.extend(names.iter().filter(|name| *name != "any").map(|name| interface(name)));
            lines
        }
    }
}

fn readable(path: &Path) -> Line {
    let looked = if path == Path::new("-") {
        Ok(())
    } else if path.is_dir() {
        path.read_dir().map(|_| ())
    } else {
        std::fs::File::open(path).map(|_| ())
    };
    match looked {
        Ok(()) => ("capture file", Verdict::Ok, path.display().to_string()),
        Err(error) => (
            "capture file",
            Verdict::Fail(Exit::Failure),
            format!("cannot read {}: {error}; check the path and its permissions", path.display()),
        ),
    }
}

/// CAP_NET_RAW (capabilities(7)) opens capture sockets.
fn privilege() -> Line {
    match caps::has_cap(None, caps::CapSet::Effective, caps::Capability::CAP_NET_RAW) {
        Ok(true) => ("privilege", Verdict::Ok, "may capture (CAP_NET_RAW)".to_string()),
        Ok(false) => (
            "privilege",
            Verdict::Fail(Exit::NoCapture),
            "may not capture: run as root, or give the program the capability: setcap cap_net_raw+ep PROGRAM"
                .to_string(),
        ),
        Err(error) => ("privilege", Verdict::Warn, format!("cannot find out whether capturing is allowed: {error}")),
    }
}

fn interface(name: &str) -> Line {
    let directory = Path::new("/sys/class/net").join(name);
    // A name with a slash is no interface, wherever it leads.
    if name.contains('/') || !directory.exists() {
        let known: Vec<String> = std::fs::read_dir("/sys/class/net")
            .map(|entries| entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
            .unwrap_or_default();
        let text = format!("there is no {name}; there are: {}", known.join(", "));
        return ("interface", Verdict::Fail(Exit::NoCapture), text);
    }
    match std::fs::read_to_string(directory.join("operstate")).unwrap_or_default().trim() {
        "down" => ("interface", Verdict::Warn, format!("{name} is down; nothing is seen until it is up")),
        _ => ("interface", Verdict::Ok, name.to_string()),
    }
}

fn logs(settings: &Settings) -> Line {
    match &settings.log_dir {
        Some(directory) => writable("log directory", "LOG_DIR", directory),
        None => ("log directory", Verdict::Ok, "none, no logs are written".to_string()),
    }
}

/// What is needed to send; the server is not asked.
fn server(push: &PushSettings) -> [Line; 2] {
    let ready = match sensor::push::check(push) {
        Ok(()) => ("server", Verdict::Ok, format!("{}: the token and certificates can be read", push.server)),
        Err(error) => ("server", Verdict::Fail(Exit::from(&error)), error.to_string()),
    };
    [ready, writable("spool directory", "SPOOL_DIR", &push.directory)]
}

/// Whether files can be made: tried with one that is removed at once.
fn writable(what: &'static str, setting: &str, directory: &Path) -> Line {
    // The nearest that exists: what is not there is made in it, which a file in its place prevents.
    let existing = directory.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let trial = existing.join(format!(".maltrail-test-{}", std::process::id()));
    let tried = std::fs::File::create_new(&trial).and_then(|_| std::fs::remove_file(&trial));
    match tried {
        Ok(()) if existing == directory => (what, Verdict::Ok, directory.display().to_string()),
        Ok(()) => (what, Verdict::Ok, format!("{} will be made", directory.display())),
        Err(error) => (
            what,
            Verdict::Fail(Exit::Failure),
            format!(
                "cannot write to {}: {error}; set {setting} to a directory that this user may write to",
                existing.display()
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hides(expression: &str) -> Vec<&'static str> {
        hidden(&Capture::dead(Linktype::ETHERNET).unwrap().compile(expression, true).unwrap())
    }

    #[test]
    fn what_a_filter_hides() {
        assert_eq!(hides("ip or ip6"), [] as [&str; 0]);
        assert_eq!(hides("udp"), ["TCP connection requests (SYN)", "HTTP", "TLS"]);
        assert_eq!(hides("not port 443"), ["TLS", "QUIC"]);
        assert_eq!(hides("tcp"), ["DNS", "QUIC"]);
        assert_eq!(hides("udp or tcp[tcpflags] == tcp-syn or port 80"), ["TLS"]);
    }
}
