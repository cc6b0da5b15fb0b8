//! Events and totals for people: one aligned line an event, coloured where that is wanted.
//!
//! Nearly everything in an event was made by whoever sent the traffic: nothing of it reaches the terminal that could
//! steer it.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::net::IpAddr;

use event::{Event, Observed, Severity};
use jiff::tz::TimeZone;

use crate::arguments::Color;

/// Characters of one text of an event that are shown.
const SHOWN_CHARACTERS: usize = 160;

const RESET: &str = "\x1b[0m";
const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";

/// Whether standard output takes colours. <https://no-color.org>: NO_COLOR counts when it is set and not empty.
pub(crate) fn wants_color(choice: Color, console: bool, no_color: bool) -> bool {
    match choice {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => !no_color && (console || std::io::stdout().is_terminal()),
    }
}

/// Draws events.
#[derive(Clone, Debug)]
pub(crate) struct Console {
    /// Whether in colour.
    pub(crate) color: bool,
    /// Of the times.
    pub(crate) zone: TimeZone,
}

impl Console {
    /// One line, without its end.
    pub(crate) fn line(&self, event: &Event) -> String {
        let (name, color) = match event.severity {
            Severity::High => ("HIGH", "\x1b[31m"),
            Severity::Medium => ("MEDIUM", "\x1b[33m"),
            Severity::Low => ("LOW", "\x1b[36m"),
        };
        let time = event.time.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S%.3f").to_string();
        let ends = format!("{} -> {}", side(&event.src, &event.src_ports), side(&event.dst, &event.dst_ports));
        let mut line = String::with_capacity(240);
        let kind = event.kind.name();
        let _ = if self.color {
            write!(line, "{DIM}{time}{RESET} {BOLD}{color}{name:6}{RESET} {kind:6} {ends:47} ")
        } else {
            write!(line, "{time} {name:6} {kind:6} {ends:47} ")
        };
        self.observed(&mut line, &event.observed, color);
        let _ = write!(line, "  {}", safe(&event.info));
        if !event.reference.is_empty() {
            let _ = write!(line, "  {}", self.dim(&safe(&event.reference)));
        }
        if event.count > 1 {
            let _ = write!(line, "  x{}", event.count);
        }
        line
    }

    fn dim(&self, text: &str) -> String {
        if self.color { format!("{DIM}{text}{RESET}") } else { text.to_string() }
    }

    /// The text that was seen, what of it matched standing out.
    fn observed(&self, line: &mut String, observed: &Observed, color: &str) {
        if !self.color {
            line.push_str(&safe(&observed.text));
            return;
        }
        let mut at = 0;
        for range in &observed.matched {
            let (start, end) = (range.start as usize, range.end as usize);
            let (Some(before), Some(matched)) = (observed.text.get(at..start), observed.text.get(start..end)) else {
                break;
            };
            let _ = write!(line, "{DIM}{}{RESET}{BOLD}{color}{}{RESET}", safe(before), safe(matched));
            at = end;
        }
        let rest = observed.text.get(at..).unwrap_or_default();
        let _ = if at == 0 { write!(line, "{}", safe(rest)) } else { write!(line, "{DIM}{}{RESET}", safe(rest)) };
    }
}

/// The first address and port, and how many more there are.
fn side(addresses: &[IpAddr], ports: &[u16]) -> String {
    let Some(first) = addresses.first() else { return "-".to_string() };
    let mut out = match (first, ports.first()) {
        (IpAddr::V6(address), Some(port)) => format!("[{address}]:{port}"),
        (address, Some(port)) => format!("{address}:{port}"),
        (address, None) => address.to_string(),
    };
    let more = addresses.len().max(ports.len()) - 1;
    if more > 0 {
        let _ = write!(out, "(+{more})");
    }
    out
}

/// The text with everything escaped that a terminal obeys or that changes the order of what is read, and cut off.
pub(crate) fn safe(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
    };
    let mut out = String::with_capacity(text.len());
    for (count, c) in text.chars().enumerate() {
        if count == SHOWN_CHARACTERS {
            out.push_str("...");
            break;
        }
        if steers(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

#[cfg(test)]
mod tests {
    use event::{Context, Kind};

    use super::*;

    fn event() -> Event {
        Event {
            id: "1".into(),
            time: jiff::Timestamp::from_second(1_767_225_600).unwrap(),
            last: jiff::Timestamp::from_second(1_767_225_600).unwrap(),
            batch: String::new(),
            site: String::new(),
            sensor: "gw".into(),
            src: vec!["192.0.2.1".parse().unwrap()],
            src_ports: vec![50000],
            dst: vec!["2001:db8::1".parse().unwrap(), "2001:db8::2".parse().unwrap()],
            dst_ports: vec![53],
            protocol: 17,
            kind: Kind::Dns,
            observed: Observed { text: "www.evil.example".into(), matched: std::iter::once(4..16).collect() },
            indicator: "evil.example".into(),
            info: "testing (malware)".into(),
            reference: "(static)".into(),
            class: "malware".into(),
            severity: Severity::High,
            confidence: 90,
            reasons: vec![],
            count: 3,
            context: Context::default(),
        }
    }

    #[test]
    fn plain_line() {
        let console = Console { color: false, zone: TimeZone::UTC };
        assert_eq!(
            console.line(&event()),
            "2026-01-01 00:00:00.000 HIGH   DNS    192.0.2.1:50000 -> [2001:db8::1]:53(+1)         www.evil.example  testing (malware)  (static)  x3"
        );
    }

    #[test]
    fn what_matched_stands_out() {
        let console = Console { color: true, zone: TimeZone::UTC };
        let line = console.line(&event());
        assert!(line.contains("\x1b[2mwww.\x1b[0m\x1b[1m\x1b[31mevil.example\x1b[0m"), "{line:?}");
    }

    #[test]
    fn nothing_of_the_traffic_steers_the_terminal() {
        let mut event = event();
        event.observed.text = "\x1b[2Jevil\r\n\u{202e}moc.\u{9b}31m".into();
        event.info = "\x07".into();
        let line = Console { color: false, zone: TimeZone::UTC }.line(&event);
        assert!(line.chars().all(|c| !c.is_control() && c != '\u{202e}'), "{line:?}");
        assert!(line.contains(r"\u{1b}[2Jevil\r\n\u{202e}moc.\u{9b}31m"), "{line:?}");
        // Ranges that do not fit the text cost only the highlighting.
        event.observed.matched = std::iter::once(1000..2000).collect();
        let line = Console { color: true, zone: TimeZone::UTC }.line(&event);
        assert!(line.contains("evil"), "{line:?}");
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(safe(&"x".repeat(160)).len(), 160);
        assert_eq!(safe(&"x".repeat(161)), format!("{}...", "x".repeat(160)));
    }

    #[test]
    fn colours() {
        assert!(wants_color(Color::Always, false, true));
        assert!(!wants_color(Color::Never, true, false));
        assert!(wants_color(Color::Auto, true, false));
        assert!(!wants_color(Color::Auto, true, true));
    }
}
