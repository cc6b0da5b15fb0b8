//! Seeds for fuzzing, made of the cases: what fuzz targets begin from.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::case::Case;
use crate::packet::LINK_ETHERNET;
use crate::{Recorded, capture, quic, tls};

/// Target, name and text of seeds that are no packets.
const TEXTS: &[(&str, &str, &str)] = &[
    (
        "event",
        "plain",
        "\"2026-01-02 03:04:05.000006\" sensor 10.0.0.5 40000 8.8.8.8 53 UDP DNS (www).evil-site.example.com \"quietfox (malware)\" (static)",
    ),
    (
        "import",
        "quoted",
        "\"2026-01-02 03:04:05.000006\" sensor 10.0.0.5 40000 8.8.8.8 53 UDP DNS (www).evil-site.example.com \"quietfox (malware)\" (static)",
    ),
    (
        "journal",
        "plain",
        r#"{"v":1,"id":"x","time":"2026-01-02T03:04:05.000006Z","site":"","sensor":"s","src":["10.0.0.5"],"src_ports":[40000],"dst":["8.8.8.8"],"dst_ports":[53],"protocol":17,"kind":"DNS","observed":{"text":"www.evil-site.example.com","matched":[{"start":4,"end":25}]},"indicator":"evil-site.example.com","info":"quietfox (malware)","reference":"(static)","class":"malware","severity":"high","confidence":90,"reasons":[],"count":1,"context":{}}"#,
    ),
    (
        "observable",
        "pair",
        r#"{"observable":"pair","name":"a.example","address":"192.0.2.1","host":"10.0.0.7","sensor":"s1","site":"","first":"2026-11-21T10:00:00.123456Z","last":"2026-11-21T10:00:07Z","count":3}"#,
    ),
    (
        "datagram_line",
        "two",
        "1767323045.5 \"2026-01-02 03:04:05.500000\" s 10.0.0.5 40000 8.8.8.8 53 UDP DNS (www).evil-site.example.com x (static)\n7 bare\n",
    ),
    (
        "batch",
        "plain",
        "\0{\"v\":1,\"id\":\"x\",\"time\":\"2026-01-02T03:04:05Z\",\"last\":\"2026-01-02T03:04:05Z\",\"src\":[\"10.0.0.5\"],\"dst\":[],\"protocol\":17,\"kind\":\"DNS\",\"observed\":{\"text\":\"a.example\",\"matched\":[]},\"severity\":\"low\"}\n{}\n",
    ),
    ("whitelist", "plain", "# mine\nexample.com, 192.0.2.66\n198.51.100.0/24 *.example.net\n2001:db8::/32\n"),
    ("ignore", "list", "# comment\n10.0.0.5;*;8.8.8.8;53\n*;*;198.51.100.0/24;443\n"),
    ("ignore", "expression", "~evil[0-9]+|quiet.*fox\nDNS evil42.example.com quietfox"),
    (
        "list",
        "static",
        "\0# Reference: https://example.org\nevil-site.example.com\n192.0.2.66:4444 # port\n\n/gate.php?id=\n*.wild.example\n",
    ),
    ("list", "custom", "\x01198.51.100.0/24\n2001:db8::7\n"),
    ("csv", "quoted", "\"a,b.example\",\"x \"\"y\"\" (malware)\",(static)\r\nevil.org,x,(custom)\n"),
    ("feed", "lines", "\x00# list\n192.0.2.1\tfox\t3\nhxxp://evil[.]example/x?y # c\n"),
    ("feed", "csv", "\x01\"a.example\", \"b, \"\"c\"\"\",443\n2001:db8::1,x,80\n"),
    ("feed", "regex", "\x02evil.example=x\nb\n"),
    ("feed", "whole", "\x03evil.example\nb.example"),
    ("feed", "json", "\x04{\"a\": [\"a.example\", {\"b\": [\"b.example\"]}, [{\"b\": 7}]]}"),
    ("feed", "json-lines", "\x05{\"b\": \"a.example\"}\n{\"b\": [\"192.0.2.1:443\"]}\n"),
    (
        "feed",
        "misp",
        "\x06{\"Event\": {\"Tag\": [{\"name\": \"misp-galaxy:malpedia=\\\"Fox\\\"\"}], \"Object\": [{\"Attribute\": [{\"type\": \"domain|ip\", \"value\": \"a.example|192.0.2.1\", \"to_ids\": true}]}]}}",
    ),
    ("feed", "misp-manifest", "\x06{\"01234567-89ab-cdef-0123-456789abcdef\": {\"timestamp\": \"7\"}}"),
    (
        "feed",
        "stix",
        "\x07{\"objects\": [{\"type\": \"indicator\", \"pattern\": \"[domain-name:value IN ('a.example') OR (ipv4-addr:value = '192.0.2.1' AND network-traffic:dst_port = 4)] WITHIN 5 SECONDS\"}]}",
    ),
    ("feed", "hosts", "\x08127.0.0.1 localhost\n0.0.0.0 a.example b.example # c\n"),
    ("feed", "rpz", "\x09$ORIGIN rpz.example.\n*.a.example 60 IN CNAME .\n48.zz.1.db8.2001.rpz-ip CNAME *.\n"),
    (
        "feed",
        "suricata",
        "\x0aalert dns [192.0.2.1,!1.1.1.1] any -> any 53 (msg:\"x\"; dns.query; content:\"a|2e|example\"; sid:1;)\n",
    ),
    ("feed", "zeek", "\x0b#fields\tindicator\tindicator_type\tmeta.desc\na.example\tIntel::DOMAIN\tfox\n"),
    ("feed", "trails", "\x0devil.example,fox (malware),(static)\n"),
    (
        "feed",
        "description",
        "\x7fabout = 'x'\nurls = ['https://feed.example/']\ninfo = 'x'\nreference = 'x'\nkinds = ['name']\nlicence = 'x'\n[read]\nformat = 'hosts'\n",
    ),
    ("query", "fields", "src:10.0.0.0/8 NOT (type:DNS OR sev:medium+) trail:evil[.]example \"known attacker\""),
    (
        "query",
        "ranges",
        "10.0.0.5-10.0.1.9 OR dst:2001:db8::-2001:db8::ffff threat:0123456789abcdef hxxp://a.example/x",
    ),
    ("request", "days", "\0\0\0\0\0\0\x10\x002026-11-01_2026-11-20"),
    ("request", "range", "\0\0\0\0\0\0\x10\0bytes=5-900"),
    (
        "config",
        "plain",
        "# comment\n[Sensor]\nMONITOR_INTERFACE any\nUSE_HEURISTICS true\nCAPTURE_BUFFER 10%\nLOG_DIR $SYSTEM_LOG_DIR/maltrail\nUSERS\n    admin:hash:0:\nIP_ALIASES\n    10.0.0.1:router\n",
    ),
];

/// Writes the corpus of every fuzz target below `out`; returns how many files.
///
/// # Errors
/// A file cannot be written.
pub fn write(cases: &[Case], out: &Path) -> io::Result<usize> {
    let mut written = 0;
    let mut put = |target: &str, name: &str, bytes: &[u8]| -> io::Result<()> {
        let directory = out.join(target);
        fs::create_dir_all(&directory)?;
        written += 1;
        fs::write(directory.join(format!("seed-{}", name.replace('/', "-"))), bytes)
    };
    for case in cases {
        put("frame", &case.name, &frames(&case.frames))?;
        let transports: Vec<(u8, &[u8])> = case.frames.iter().filter_map(payload).collect();
        let of = |protocol| transports.iter().filter(move |(p, _)| *p == protocol).map(|(_, bytes)| *bytes);
        if of(6).count() > 0 {
            put("stream", &case.name, &of(6).flat_map(segments).collect::<Vec<u8>>())?;
        }
        if of(17).count() > 0 {
            put("datagram", &case.name, &datagrams(of(17)))?;
        }
        for (number, bytes) in of(17).enumerate().take(2) {
            put("dns", &format!("{}-{number}", case.name), bytes)?;
        }
        if let Some(bytes) = of(6).next() {
            put("http", &case.name, &[&[255], bytes].concat())?;
            // Record and handshake headers are put before it by the target.
            if let Some(hello) = bytes.strip_prefix(&[22]).and_then(|record| record.get(8..)) {
                put("tls", &case.name, hello)?;
            }
        }
        put("csv", &case.name, case.trails.as_bytes())?;
    }
    for (target, name, text) in TEXTS {
        put(target, name, text.as_bytes())?;
    }
    for case in cases.iter().step_by(10) {
        let pcap = capture::file(&case.frames);
        put("capture", &case.name, &pcap)?;
        put("capture", &format!("{}-pcapng", case.name), &capture::pcapng(&case.frames))?;
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&pcap)?;
        put("capture", &format!("{}-gzip", case.name), &packed.finish()?)?;
    }
    for (i, trail) in cases.iter().flat_map(|c| c.trails.lines()).filter_map(|l| l.split(',').next()).enumerate() {
        put("line", &i.to_string(), trail.as_bytes())?;
    }
    // A section's number, place, count, and the bytes that come there; the header stands behind the sections.
    for section in 0..32 {
        put("store", &format!("section-{section}"), &[section, 0, 0, 4, 0xff, 0xff, 0xff, 0x7f])?;
        put("store", &format!("cut-{section}"), &[section, 1, 0, 255])?;
    }
    put("foreign-store", "header", &[0; 1024])?;
    let hello = tls::ClientHello::new("www.site.com").message();
    let frames = quic::crypto(&hello, 0, hello.len());
    put("quic", "whole", &[&[0], &(frames.len() as u16).to_le_bytes()[..], &frames].concat())?;
    put("certificate", "plain", &tls::certificate("www.site.com", &["a.site.com", "*.site.net"], 64))?;
    Ok(written)
}

/// Link type, then each frame behind its length.
fn frames(frames: &[Recorded]) -> Vec<u8> {
    let mut out = frames.first().map_or(0, |f| f.link.0).to_le_bytes().to_vec();
    for frame in frames {
        out.extend((frame.bytes.len() as u16).to_le_bytes());
        out.extend(&frame.bytes);
    }
    out
}

/// Protocol and payload of a plain Ethernet and IPv4 frame.
fn payload(frame: &Recorded) -> Option<(u8, &[u8])> {
    let plain = frame.link == LINK_ETHERNET && frame.bytes.get(12..15) == Some(&[8, 0, 0x45]);
    let protocol = *frame.bytes.get(23).filter(|_| plain)?;
    let start = match protocol {
        6 => 34 + usize::from(frame.bytes.get(46)? >> 4) * 4,
        17 => 42,
        _ => return None,
    };
    frame.bytes.get(start..).filter(|payload| !payload.is_empty()).map(|payload| (protocol, payload))
}

/// Segments behind their length in units of 8 bytes and a place of 0.
fn segments(payload: &[u8]) -> Vec<u8> {
    payload.chunks(255 * 8).flat_map(|c| [&[c.len().div_ceil(8) as u8, 0], c].concat()).collect()
}

fn datagrams<'a>(payloads: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut out = vec![0];
    for payload in payloads {
        out.extend((payload.len() as u16).to_le_bytes());
        out.extend(payload);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::packets;

    #[test]
    fn seeds_have_the_form_of_their_targets() {
        let text = "10.0.0.5:1 > 192.0.2.1:80 tcp text hello\n10.0.0.5:1 > 192.0.2.1:53 udp hex 0102";
        let frames = packets(text).unwrap();
        assert_eq!(payload(&frames[0]), Some((6, &b"hello"[..])));
        assert_eq!(payload(&frames[1]), Some((17, &[1, 2][..])));
        assert_eq!(segments(b"hello"), b"\x01\0hello");
        assert_eq!(datagrams([&[1_u8, 2][..]].into_iter()), [0, 2, 0, 1, 2]);
        let joined = super::frames(&frames);
        assert_eq!(joined[..4], [1, 0, frames[0].bytes.len() as u8, 0]);
    }
}
