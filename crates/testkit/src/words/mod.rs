//! Packets in words: one line, one packet (or the frames it takes).
//!
//! ```
//! let frames = testkit::words::packets("{+0.5s vlan=5} 10.0.0.5:40000 > 8.8.8.8:53 udp dns query www.site.com A").unwrap();
//! assert_eq!(frames[0].link.0, 1);
//! ```
//!
//! The language is described in `cases/README.md`.

mod options;
mod payload;

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;

use packet::{LinkType, Micros};

use crate::packet::{Built, Ip, Layer, Ports, Stack, Tcp};
use crate::{Recorded, capture};
use options::Options;

/// Time of the first packet of a case: 2026-01-02 03:04:05 UTC.
pub const START: Micros = Micros(1_767_323_045 * Micros::SECOND);

/// What is wrong with a text, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line number in the file, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for Problem {}

/// The frames of a text of lines, without captures.
///
/// # Errors
/// The first line that is no packet.
pub fn packets(text: &str) -> Result<Vec<Recorded>, Problem> {
    let lines: Vec<(usize, &str)> = text.lines().enumerate().map(|(i, line)| (i + 1, line)).collect();
    packets_of_lines(&lines, Path::new("."))
}

/// The frames of numbered lines; `capture FILE` is looked up in `directory`.
///
/// # Errors
/// The first line that is no packet.
pub fn packets_of_lines(lines: &[(usize, &str)], directory: &Path) -> Result<Vec<Recorded>, Problem> {
    let mut writer = Writer { now: START, first: true, sequences: HashMap::new(), datagrams: 0, out: Vec::new() };
    for (line, text) in lines {
        let text = text.trim();
        if !text.is_empty() && !text.starts_with('#') {
            writer.line(text, directory).map_err(|what| Problem { line: *line, what })?;
        }
    }
    Ok(writer.out)
}

struct Writer {
    now: Micros,
    first: bool,
    /// Next sequence number of each direction.
    sequences: HashMap<(IpAddr, u16, IpAddr, u16), u32>,
    /// Counts fragmented datagrams, for their identification.
    datagrams: u32,
    out: Vec<Recorded>,
}

/// Source, destination and the words after them.
struct Line<'a> {
    src: (IpAddr, Option<u16>),
    dst: (IpAddr, Option<u16>),
    words: &'a str,
}

impl Writer {
    fn line(&mut self, text: &str, directory: &Path) -> Result<(), String> {
        let (options, text) = options::split(text)?;
        if let Some(at) = options.at {
            self.now = START.plus(at);
        } else if !self.first {
            self.now = self.now.plus(options.step.unwrap_or(1000));
        }
        self.first = false;
        if let Some(file) = text.strip_prefix("capture ") {
            let path = directory.join(file.trim());
            let bytes = std::fs::read(&path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
            self.out.extend(capture::read_pcap(&bytes)?);
            return Ok(());
        }
        if let Some(rest) = text.strip_prefix("frame ") {
            self.push(vec![raw_frame(rest)?], &options);
            return Ok(());
        }
        let line = addresses(text)?;
        for copy in 0..options.flows.max(1) {
            for again in 0..options.copies.max(1) {
                if copy + again > 0 {
                    self.now = self.now.plus(options.every.unwrap_or(1000));
                }
                let frames = self.frames(&line, copy, &options)?;
                self.push(frames, &options);
            }
        }
        Ok(())
    }

    fn push(&mut self, frames: Vec<Built>, options: &Options) {
        let chosen: Vec<Built> = match &options.order {
            Some(order) => order.iter().filter_map(|n| frames.get(n - 1).cloned()).collect(),
            None => frames,
        };
        for (i, frame) in chosen.into_iter().enumerate() {
            if i > 0 {
                self.now = self.now.plus(10);
            }
            let mut recorded = Recorded::new(self.now, frame);
            if let Some(length) = options.cut {
                recorded = recorded.cut(length);
            }
            self.out.push(recorded);
        }
    }

    /// All frames of one line, in order.
    fn frames(&mut self, line: &Line<'_>, copy: usize, options: &Options) -> Result<Vec<Built>, String> {
        let (transport, rest) = word(line.words);
        let src_port = line.src.1.map(|port| port.wrapping_add(copy as u16));
        let ports = || match (src_port, line.dst.1) {
            (Some(src), Some(dst)) => Ok(Ports { src, dst }),
            _ => Err(format!("{transport} needs ports: ADDRESS:PORT > ADDRESS:PORT")),
        };
        let stack = options.stack(line.src.0, line.dst.0)?;
        let mut stacks = Vec::new();
        match transport {
            "tcp" => self.segments(&stack, line, ports()?, rest, options, &mut stacks)?,
            "udp" => {
                for datagram in payload::datagrams(rest)? {
                    stacks.push(stack.clone().with(Layer::Udp(ports()?)).payload(datagram));
                }
            }
            "sctp" => stacks.push(stack.with(Layer::Sctp(ports()?)).payload(payload::stream(rest, false)?)),
            "icmp" => stacks.push(icmp(stack, line.src.0.is_ipv6(), rest)?),
            "proto" => {
                let (number, rest) = word(rest);
                let number = number.parse().map_err(|_| format!("{number:?} is no protocol number"))?;
                stacks.push(stack.with(Layer::Protocol(number)).payload(payload::stream(rest, false)?));
            }
            other => return Err(format!("{other:?} is none of tcp, udp, icmp, sctp, proto")),
        }
        let mut out = Vec::new();
        for stack in stacks {
            match options.fragment {
                Some(size) => {
                    self.datagrams += 1;
                    out.extend(stack.fragments(self.datagrams, size));
                }
                None => out.push(stack.frame()),
            }
        }
        Ok(out)
    }

    fn segments(
        &mut self,
        stack: &Stack,
        line: &Line<'_>,
        ports: Ports,
        words: &str,
        options: &Options,
        out: &mut Vec<Stack>,
    ) -> Result<(), String> {
        let (flags, words) = tcp_flags(words)?;
        let bytes = payload::stream(words, true)?;
        let here = (line.src.0, ports.src, line.dst.0, ports.dst);
        let there = (line.dst.0, ports.dst, line.src.0, ports.src);
        let followed = self.sequences.get(&there).copied().unwrap_or(1000);
        let acknowledged = options.acknowledged.unwrap_or(followed);
        let next = self.sequences.entry(here).or_insert(1000);
        if let Some(sequence) = options.sequence {
            *next = sequence;
        }
        let size = options.segment.unwrap_or(usize::MAX);
        let chunks: Vec<&[u8]> = if bytes.is_empty() { vec![&[]] } else { bytes.chunks(size).collect() };
        for chunk in chunks {
            let default = if chunk.is_empty() { 0x10 } else { 0x18 };
            let flags = flags.unwrap_or(default);
            let tcp = Tcp { ports, flags, sequence: *next, acknowledged };
            out.push(stack.clone().with(Layer::Tcp(tcp)).payload(chunk));
            *next = next.wrapping_add(chunk.len() as u32 + u32::from(flags & 3 != 0));
        }
        Ok(())
    }
}

/// The first word and the rest.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    match text.split_once(char::is_whitespace) {
        Some((first, rest)) => (first, rest.trim_start()),
        None => (text, ""),
    }
}

fn addresses(text: &str) -> Result<Line<'_>, String> {
    let (src, rest) = word(text);
    let (arrow, rest) = word(rest);
    let (dst, words) = word(rest);
    if arrow != ">" {
        return Err(format!("expected SOURCE > DESTINATION WORDS, found {text:?}"));
    }
    let line = Line { src: address(src)?, dst: address(dst)?, words };
    if line.src.0.is_ipv4() != line.dst.0.is_ipv4() {
        return Err(format!("{src} and {dst} are of two families"));
    }
    Ok(line)
}

/// `1.2.3.4`, `1.2.3.4:80`, `2001:db8::1`, `[2001:db8::1]:80`.
fn address(text: &str) -> Result<(IpAddr, Option<u16>), String> {
    if let Ok(ip) = text.parse() {
        return Ok((ip, None));
    }
    let with_port: Result<std::net::SocketAddr, _> = text.parse();
    with_port.map(|a| (a.ip(), Some(a.port()))).map_err(|_| format!("{text:?} is no address and no ADDRESS:PORT"))
}

fn tcp_flags(words: &str) -> Result<(Option<u8>, &str), String> {
    let (first, rest) = word(words);
    let named = match first {
        "syn" => Some(0x02),
        "syn-ack" => Some(0x12),
        "ack" => Some(0x10),
        "fin" => Some(0x11),
        "rst" => Some(0x04),
        "null" => Some(0),
        _ => None,
    };
    if named.is_some() {
        return Ok((named, rest));
    }
    let Some(list) = first.strip_prefix("flags=") else { return Ok((None, words)) };
    let mut flags = 0;
    for name in list.split(',') {
        flags |= match name {
            "fin" => 1,
            "syn" => 2,
            "rst" => 4,
            "psh" => 8,
            "ack" => 0x10,
            "urg" => 0x20,
            "ece" => 0x40,
            "cwr" => 0x80,
            other => return Err(format!("{other:?} is no TCP flag")),
        };
    }
    Ok((Some(flags), rest))
}

fn icmp(stack: Stack, six: bool, words: &str) -> Result<Stack, String> {
    let (kind, rest) = word(words);
    let (kind, code, rest) = match kind {
        "echo" => (if six { 128 } else { 8 }, 0, rest),
        "reply" => (if six { 129 } else { 0 }, 0, rest),
        number => {
            let (code, rest) = word(rest);
            let parse =
                |text: &str| text.parse().map_err(|_| format!("icmp echo, icmp reply or icmp TYPE CODE, not {text:?}"));
            (parse(number)?, parse(code)?, rest)
        }
    };
    Ok(stack.with(Layer::Icmp { kind, code, rest: 0x0001_0001 }).payload(payload::stream(rest, false)?))
}

/// `frame LINKTYPE hex BYTES`.
fn raw_frame(text: &str) -> Result<Built, String> {
    let (link, rest) = word(text);
    let link = link.parse().map_err(|_| format!("frame NUMBER-OF-LINKTYPE hex BYTES, not {link:?}"))?;
    Ok(Built { link: LinkType(link), bytes: payload::stream(rest, false)? })
}

impl Options {
    /// Link, tags, tunnels and the innermost IP header with its extensions.
    fn stack(&self, src: IpAddr, dst: IpAddr) -> Result<Stack, String> {
        let mut layers = self.layers.clone();
        if let Some(Layer::Teredo) = layers.last()
            && src.is_ipv4()
        {
            return Err("teredo carries IPv6".to_owned());
        }
        layers.push(Layer::Ip(Ip { src, dst, fragment: None, options: self.ip_options }));
        layers.extend(self.extensions.iter().cloned());
        let mut layers = layers.into_iter();
        let outermost = layers.next().ok_or("no layers")?;
        Ok(Stack::new(outermost).with_all(layers))
    }
}

#[cfg(test)]
mod tests;
