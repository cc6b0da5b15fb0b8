//! Detectors under a flood: their memory is bounded, what they refuse is counted, and what they know already is told all
//! the same.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // Helpers of tests.

mod common;

use std::sync::Arc;

use common::{Table, flow};
use detect::detectors::{Batch, Stage};
use detect::{Finding, MatchSettings, Matcher};
use packet::dissect::dns::DnsMessage;
use packet::{Fact, Flow, Micros, Sink, TableLimit, TcpFlags};

/// Packets of a flood, of each kind.
const FLOOD: u32 = 400_000;
/// Of these so many in a second.
const RATE: u32 = 50_000;
const SYN: Fact<'static> = Fact::TcpSegment { flags: TcpFlags(TcpFlags::SYN), acknowledgment: 0, payload: 0 };

struct Sensor {
    matcher: Matcher<Table>,
    stage: Stage,
    batch: Batch,
    sequence: u64,
    found: Vec<Finding>,
}

impl Sensor {
    fn new() -> Sensor {
        let settings = Arc::new(MatchSettings::default());
        let stage = Stage::new(&settings.detectors, settings.seed);
        let matcher = Matcher::new(settings, Arc::new(Table::new(&[])));
        Sensor { matcher, stage, batch: Batch::default(), sequence: 0, found: Vec::new() }
    }

    fn see(&mut self, seconds: f64, flow: Flow, fact: Fact<'_>) {
        self.sequence += 1;
        self.matcher.begin(Micros((seconds * 1e6) as i64), self.sequence);
        self.matcher.fact(&flow, fact);
        if self.sequence.is_multiple_of(4096) {
            self.weigh();
        }
    }

    fn weigh(&mut self) {
        self.matcher.take(&mut self.found);
        self.matcher.take_evidence(&mut self.batch);
        self.batch.sort_by_packet();
        self.stage.weigh(&self.batch, &mut self.found);
        self.batch.clear();
    }

    fn infos(&mut self) -> Vec<String> {
        self.weigh();
        self.found.drain(..).map(|finding| finding.info).collect()
    }
}

fn address(number: u32) -> String {
    let [_, a, b, c] = number.to_be_bytes();
    format!("11.{a}.{b}.{c}")
}

fn query(name: &str) -> Vec<u8> {
    let mut bytes = b"\0\x01\x01\0\0\x01\0\0\0\0\0\0".to_vec();
    for label in name.split('.') {
        bytes.push(label.len() as u8);
        bytes.extend_from_slice(label.as_bytes());
    }
    bytes.extend_from_slice(b"\0\0\x01\0\x01");
    bytes
}

#[test]
fn a_flood_fills_no_more_than_the_limits_and_hides_nothing_known() {
    let mut sensor = Sensor::new();
    // Somebody scans slowly while the flood comes: five ports before it, the others in its midst.
    let scan = |sensor: &mut Sensor, seconds: f64, port: u16| {
        sensor.see(seconds, flow("203.0.113.9", 40_000, "192.0.2.10", port, 6), SYN);
    };
    for port in 1..=5 {
        scan(&mut sensor, 0.0, port);
    }
    for number in 0..FLOOD {
        let seconds = f64::from(number) / f64::from(RATE);
        let from = address(number.wrapping_mul(2_654_435_761) >> 8);
        let port = [22, 445, 80, 443][number as usize % 4];
        sensor.see(seconds, flow(&from, 1000 + (number % 50_000) as u16, "192.0.2.10", port, 6), SYN);
        let inside = format!("10.{}.{}.{}", number >> 16 & 3, number >> 8 & 255, number & 255);
        sensor.see(seconds, flow(&inside, 40_000, &address(number), 445, 6), SYN);
        let datagram = Fact::Datagram { payload: 9 };
        sensor.see(seconds, flow(&from, 50_000, "192.0.2.10", (number % 30_000) as u16, 17), datagram);
        let bytes = query(&format!("{:016x}f00d1234.d{}.example.org", number.wrapping_mul(2_654_435_761), number % 97));
        let question = DnsMessage { bytes: &bytes, id: 1, flags: 0x0100 };
        sensor.see(seconds, flow(&inside, 40_000, "192.0.2.53", 53, 17), Fact::DnsQuery(question));
        if number % 60_000 == 59_999 {
            scan(&mut sensor, seconds, 100 + (number / 60_000) as u16);
        }
    }
    let infos = sensor.infos();
    assert!(infos.iter().any(|info| info == "potential port scanning"), "a scan that began before the flood is told");
    assert_eq!(infos.iter().filter(|info| *info == "potential dns exhaustion (suspicious)").count(), 1);
    let mut refused = 0;
    let mut bytes = 0;
    for table in sensor.stage.tables() {
        println!("{}: {} entries, {} bytes, {} refused", table.name, table.entries, table.bytes, table.refused);
        let TableLimit::Entries(limit) = table.limit else { panic!("{table:?}") };
        assert!(table.entries <= limit, "{table:?}");
        refused += table.refused;
        bytes += table.bytes;
    }
    assert!(refused > 100_000, "{refused}");
    assert!(bytes < 64 << 20, "{bytes}");
    // An hour later there is room again.
    for port in 1..=11 {
        sensor.see(4000.0, flow("203.0.113.77", 40_000, "192.0.2.10", port, 6), SYN);
    }
    assert_eq!(sensor.infos(), ["potential port scanning"]);
}

/// Files that are read one after the other may be of any time.
#[test]
fn another_time_begins_anew() {
    let mut sensor = Sensor::new();
    for (seconds, ports) in [(1000.0, 1..=10), (100.0, 11..=20), (1000.0, 21..=30)] {
        for port in ports {
            sensor.see(seconds, flow("203.0.113.9", 40_000, "192.0.2.10", port, 6), SYN);
        }
    }
    assert_eq!(sensor.infos(), Vec::<String>::new(), "ten ports each time");
}
