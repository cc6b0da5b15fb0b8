//! Beacons: programs that call home at regular times.
//!
//! Of each pair of a host here and a port of one outside the last intervals between connections are kept, so that
//! their middle and how far they lie from it are known: a person's intervals lie anywhere, a program's close together.

use event::Kind;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use packet::{Flow, Micros, TableLimit, TableUsage};

use super::about::{About, Detector, Threshold};
use super::alarm::Alarm;
use super::net::{Keys, is_local};
use super::settings::Settings;

pub(super) const ABOUT: About = About {
    detector: Detector::Beaconing,
    name: "beaconing",
    aliases: &["beacon", "beacons"],
    on: true,
    events: "BEACON, `potential beaconing every 300 s, jitter 12 %, 17 times (suspicious)`; the trail is the server with its port",
    finds: "A local host that opens connections to a server outside at regular times, 10 seconds to half an hour apart, for an \
            hour and more, with a jitter of up to a quarter. Servers that more than three hosts contact are not looked at. Told \
            once in six hours for a host and server.",
    why: "Most malware asks its controller for orders in this way.",
    example: "`10.0.0.5` connects to `192.0.2.66:443` every 5 minutes, 20 % earlier or later, for two hours",
    false_alarms: "Programs that ask for news or updates at regular times and that few hosts here have. Mail, time, push messages and \
                   names (ports 25, 53, 110, 123, 143, 465, 587, 853, 993, 995, 5222, 5223, 5228) do not count.",
    evaded: "By a greater jitter, one connection that stays open, many servers, intervals of more than half an hour.",
    threshold: Some(Threshold {
        default: 16,
        least: 8,
        greatest: 24,
        of: "intervals of which three quarters are alike",
    }),
};

/// Intervals that are kept.
const KEPT: usize = 24;
/// Connections closer together than this belong to one visit, seconds.
const VISIT: i64 = 5 * Micros::SECOND;
/// Shortest and longest interval of a beacon.
const SHORTEST: u32 = 100;
const LONGEST: u32 = 18_000;
/// Units of intervals in a second.
const UNITS: i64 = 10;
/// It has to go on for so long.
const SPAN: i64 = 3600 * Micros::SECOND;
/// Told again after.
const QUIET: i64 = 6 * 3600 * Micros::SECOND;
/// Pairs that are looked at, about 90 bytes each.
const PAIRS: usize = 1 << 15;
/// Pairs whose last contact is remembered: only who comes again is looked at.
const CONTACTS: usize = 1 << 16;
/// Servers that more hosts contact are popular.
const POPULAR: usize = 3;

struct Pair {
    /// Hash of address and port.
    server: u64,
    first: Micros,
    last: Micros,
    told: Option<Micros>,
    /// In tenths of a second, the latest overwrites the earliest.
    intervals: [u16; KEPT],
    count: u32,
}

/// Whether a connection attempt counts.
#[inline(always)]
pub(super) fn counts(flow: &Flow) -> bool {
    is_local(flow.src)
        && !is_local(flow.dst)
        && !matches!(flow.dst_port, 25 | 53 | 110 | 123 | 143 | 465 | 587 | 853 | 993 | 995 | 5222 | 5223 | 5228)
}

pub(super) struct Beaconing {
    pairs: HashMap<u64, Pair, FixedState>,
    /// Of each place the pair that was seen there last, as part of its hash.
    contacts: Box<[u32; CONTACTS]>,
    threshold: u32,
    swept: Micros,
    refused: u64,
}

/// How regular intervals are.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rhythm {
    /// Their middle, tenths of a second.
    middle: u32,
    /// How far three quarters of them lie from it at most, percent.
    jitter: u32,
}

fn rhythm(intervals: &[u16]) -> Option<Rhythm> {
    let mut sorted: [u16; KEPT] = [0; KEPT];
    let room = sorted.get_mut(..intervals.len())?;
    room.copy_from_slice(intervals);
    room.sort_unstable();
    let middle = u32::from(*room.get(room.len() / 2)?);
    for interval in room.iter_mut() {
        *interval = u32::from(*interval).abs_diff(middle).min(u32::from(u16::MAX)) as u16;
    }
    room.sort_unstable();
    let spread = u32::from(*room.get(room.len() * 3 / 4)?);
    Some(Rhythm { middle, jitter: spread * 100 / middle.max(1) })
}

impl Beaconing {
    pub(super) fn new(settings: &Settings, seed: u64) -> Beaconing {
        Beaconing {
            pairs: HashMap::with_hasher(FixedState::with_seed(seed)),
            contacts: Box::new([0; CONTACTS]),
            threshold: settings.threshold(Detector::Beaconing),
            swept: Micros(i64::MIN),
            refused: 0,
        }
    }

    /// A connection attempt that counts.
    pub(super) fn probe(&mut self, keys: &Keys, flow: &Flow, now: Micros) -> Option<Alarm> {
        let key = keys.with(keys.pair(flow.src, flow.dst), flow.dst_port.into());
        let contact = self.contacts.get_mut(key as usize % CONTACTS)?;
        if std::mem::replace(contact, (key >> 32) as u32) != (key >> 32) as u32 {
            return None;
        }
        let server = keys.with(keys.address(flow.dst), flow.dst_port.into());
        let (rhythm, count, span) = self.visit(key, server, now)?;
        // Looked for when it is asked, which is seldom.
        let clients = self.pairs.values().filter(|pair| pair.server == server).take(POPULAR + 1).count();
        (clients <= POPULAR).then(|| alarm(flow, rhythm, count, span))
    }

    /// One more visit of a pair; its rhythm, where it has one and that was not asked for lately.
    fn visit(&mut self, key: u64, server: u64, now: Micros) -> Option<(Rhythm, u32, i64)> {
        if self.pairs.len() >= PAIRS && !self.pairs.contains_key(&key) {
            self.sweep(now);
            if self.pairs.len() >= PAIRS {
                self.refused += 1;
                return None;
            }
        }
        let fresh = Pair { server, first: now, last: now, told: None, intervals: [0; KEPT], count: 0 };
        let pair = self.pairs.entry(key).or_insert(fresh);
        let since = now.since(pair.last);
        if since < VISIT {
            return None;
        }
        pair.last = now;
        let interval = since * UNITS / Micros::SECOND;
        if interval > i64::from(2 * LONGEST) {
            // It paused: another beginning.
            (pair.first, pair.count) = (now, 0);
            return None;
        }
        if let Some(slot) = pair.intervals.get_mut(pair.count as usize % KEPT) {
            *slot = interval as u16;
        }
        pair.count += 1;
        if pair.count < self.threshold
            || now.since(pair.first) < SPAN
            || pair.told.is_some_and(|told| now.since(told) < QUIET)
        {
            return None;
        }
        let rhythm = rhythm(pair.intervals.get(..KEPT.min(pair.count as usize))?)?;
        if rhythm.jitter > 25 || !(SHORTEST..=LONGEST).contains(&rhythm.middle) {
            return None;
        }
        pair.told = Some(now);
        Some((rhythm, pair.count, now.since(pair.first)))
    }

    /// What paused for longer than any beacon goes, once a minute at most.
    #[cold]
    fn sweep(&mut self, now: Micros) {
        if now.since(self.swept) < 60 * Micros::SECOND {
            return;
        }
        self.swept = now;
        self.pairs.retain(|_, pair| now.since(pair.last) * UNITS / Micros::SECOND <= i64::from(2 * LONGEST));
    }

    pub(super) fn clear(&mut self) {
        self.pairs.clear();
        self.contacts.fill(0);
        self.swept = Micros(i64::MIN);
    }

    pub(super) fn usage(&self) -> TableUsage {
        TableUsage {
            name: ABOUT.name,
            entries: self.pairs.len() as u64,
            bytes: (self.pairs.allocation_size() + size_of_val(&*self.contacts)) as u64,
            limit: TableLimit::Entries(PAIRS as u64),
            refused: self.refused,
        }
    }
}

fn alarm(flow: &Flow, rhythm: Rhythm, count: u32, span: i64) -> Alarm {
    let Rhythm { middle, jitter } = rhythm;
    let seconds = (middle + 5) / 10;
    let server = crate::finding::endpoint_text(flow.dst, flow.dst_port);
    let info = format!("potential beaconing every {seconds} s, jitter {jitter} %, {count} times (suspicious)");
    let confidence = 75 - jitter.min(25);
    let regular = format!("{count} intervals of about {seconds} s over {} min", span / (60 * Micros::SECOND));
    let spread = format!("three quarters of the last ones are within {jitter} % of it");
    let alone = format!("no more than {POPULAR} hosts here contact {server}");
    let alarm = Alarm::of(Kind::Beacon, &server, &info);
    [regular, spread, alone].into_iter().fold(alarm, |alarm, reason| alarm.because(confidence as u8, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(src: u8, server: u8, port: u16) -> Flow {
        Flow {
            src: [10, 0, 0, src].into(),
            dst: [192, 0, 2, server].into(),
            src_port: 40_000,
            dst_port: port,
            protocol: 6,
        }
    }

    /// Numbers that look random.
    fn next(state: &mut u64) -> i64 {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 33) as i64
    }

    /// Feeds times in seconds; the second of the first alarm.
    fn run(server: u8, port: u16, times: &[i64]) -> Option<i64> {
        let (keys, mut beaconing) = (Keys::new(3), Beaconing::new(&Settings::default(), 3));
        let at = |second: &&i64| {
            counts(&flow(5, server, port))
                && beaconing.probe(&keys, &flow(5, server, port), Micros(*second * Micros::SECOND)).is_some()
        };
        times.iter().find(at).copied()
    }

    #[test]
    fn five_minutes_with_a_jitter_of_a_fifth_are_found_within_two_hours() {
        for seed in 1..40 {
            let (mut state, mut now) = (seed, 0);
            let times: Vec<i64> = (0..30)
                .map(|_| {
                    now += 240 + next(&mut state) % 121;
                    now
                })
                .collect();
            assert!(run(66, 443, &times).is_some_and(|found| found <= 7200 + 300), "{seed}");
        }
    }

    #[test]
    fn browsing_mail_and_seldom_updates_are_not() {
        for seed in 1..40 {
            let (mut state, mut now) = (seed, 0);
            // Visits whose pauses are anything from seconds to half an hour, most of them short.
            let times: Vec<i64> = (0..200)
                .map(|_| {
                    let scale = 1 << (next(&mut state) % 9);
                    now += 6 + next(&mut state) % (7 * scale);
                    now
                })
                .collect();
            assert_eq!(run(80, 443, &times), None, "{seed}");
        }
        let every = |seconds: i64| (0..100).map(|n| n * seconds).collect::<Vec<_>>();
        assert_eq!(run(25, 993, &every(300)), None, "mail");
        assert_eq!(run(25, 443, &every(3600)), None, "updates every hour");
        assert_eq!(run(25, 443, &every(2)), None, "one visit");
        assert!(run(25, 443, &every(60)).is_some());
    }

    #[test]
    fn what_many_hosts_contact_is_no_beacon() {
        let (keys, mut beaconing) = (Keys::new(3), Beaconing::new(&Settings::default(), 3));
        for round in 0..60 {
            for host in 0..5 {
                let now = Micros((round * 300 + i64::from(host)) * Micros::SECOND);
                assert!(beaconing.probe(&keys, &flow(host, 9, 443), now).is_none());
            }
        }
    }

    #[test]
    fn at_the_limit_new_pairs_are_refused() {
        let (keys, mut beaconing) = (Keys::new(3), Beaconing::new(&Settings::default(), 3));
        let of = |number: usize| Flow { dst: [198, 51, (number >> 8) as u8, number as u8].into(), ..flow(5, 1, 443) };
        let mut see = |number: usize, second: i64| {
            beaconing.probe(&keys, &of(number), Micros(second * Micros::SECOND));
            beaconing.probe(&keys, &of(number), Micros(second * Micros::SECOND));
            (beaconing.usage().entries as usize, beaconing.refused)
        };
        for number in 0..PAIRS - 1 {
            see(number, 100);
        }
        assert_eq!(see(PAIRS - 1, 100), (PAIRS, 0));
        assert_eq!(see(PAIRS, 100), (PAIRS, 1));
        assert_eq!(see(5, 100), (PAIRS, 1));
        assert_eq!(see(PAIRS, 100 + 3601), (1, 1), "what paused made room");
    }
}
