//! Findings to events: once per flow and second, whitelist, ignore rules, bundling, throttling.
//!
//! One pipeline takes the findings of all workers in order of capture, so that events do not depend on how many
//! workers there are. Its time is packet time and never steps back. Where every finding went is counted:
//! [`Accounts::balanced`].

mod repetition;
mod window;

use std::sync::Arc;

use event::{Event, Kind, Severity};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use packet::{Micros, TableUsage};
use trails::Class;

use crate::finding::{Finding, class_name};
use crate::ignore::IgnoreRules;
use crate::whitelist::UserWhitelist;
use repetition::{KEYS, Keys, Repetition};
use window::{Fate, Joined, Windows};

/// Findings of noisy classes are joined for so long.
const BUNDLE_MICROS: i64 = 10 * Micros::SECOND;
/// Bundles open at a time; beyond, findings of further sources and trails are events at once.
const BUNDLES: usize = 16_384;

/// EVENT_THROTTLE_MODE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThrottleMode {
    /// Every event at once (bundles apart).
    Off,
    /// The first of a window at once, the rest in one summary line.
    Summarize,
}

/// What the pipeline is told once.
#[derive(Clone, Debug)]
pub struct PipelineSettings {
    /// SENSOR_NAME.
    pub sensor: String,
    /// SITE.
    pub site: String,
    /// EVENT_THROTTLE_MODE.
    pub throttle: ThrottleMode,
    /// EVENT_THROTTLE_WINDOW, seconds.
    pub throttle_window: i64,
    /// EVENT_THROTTLE_BURST.
    pub throttle_burst: u64,
    /// EVENT_THROTTLE_MAX_KEYS.
    pub throttle_keys: usize,
    /// USER_WHITELIST.
    pub whitelist: Arc<UserWhitelist>,
    /// USER_IGNORELIST and IGNORE_EVENTS_REGEX.
    pub ignore: Arc<IgnoreRules>,
    /// Seeds the hashes of what traffic chooses.
    pub seed: u64,
}

impl Default for PipelineSettings {
    fn default() -> Self {
        PipelineSettings {
            sensor: String::new(),
            site: String::new(),
            throttle: ThrottleMode::Summarize,
            throttle_window: 60,
            throttle_burst: 3,
            throttle_keys: 50_000,
            whitelist: Arc::default(),
            ignore: Arc::default(),
            seed: 0,
        }
    }
}

/// Where every finding went: `findings = repeated + whitelisted + ignored + at_once + in_bundles + in_summaries + held`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Accounts {
    pub findings: u64,
    /// Same flow, second and trail as one before.
    pub repeated: u64,
    pub whitelisted: u64,
    pub ignored: u64,
    /// Written as an event of their own.
    pub at_once: u64,
    /// Counted in a bundle.
    pub in_bundles: u64,
    /// Counted in a summary.
    pub in_summaries: u64,
    /// Waiting for the end of a bundle's or summary's window.
    pub held: u64,
    /// Event lines made.
    pub events: u64,
}

impl Accounts {
    /// Whether every finding is accounted for.
    #[must_use]
    pub fn balanced(&self) -> bool {
        let fates = [
            self.repeated,
            self.whitelisted,
            self.ignored,
            self.at_once,
            self.in_bundles,
            self.in_summaries,
            self.held,
        ];
        fates.iter().sum::<u64>() == self.findings
    }
}

/// One for all workers; takes findings in order of capture.
pub struct Pipeline {
    settings: PipelineSettings,
    accounts: Accounts,
    now: Micros,
    repetition: Repetition,
    keys: Keys,
    bundles: Windows,
    summaries: Windows,
}

/// What joined findings are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Joint {
    Bundle,
    Summary,
}

impl Pipeline {
    /// A new one.
    #[must_use]
    pub fn new(settings: PipelineSettings) -> Self {
        let seed = settings.seed;
        let length = settings.throttle_window.saturating_mul(Micros::SECOND);
        let summaries = Windows::new(length, settings.throttle_burst, settings.throttle_keys, seed);
        Pipeline {
            accounts: Accounts::default(),
            now: Micros(i64::MIN),
            repetition: Repetition::new(KEYS, seed),
            keys: Keys::new(seed),
            bundles: Windows::new(BUNDLE_MICROS, 0, BUNDLES, seed),
            summaries,
            settings,
        }
    }

    /// Takes one finding; events that are due go to `out`.
    pub fn take(&mut self, finding: Finding, out: &mut Vec<Event>) {
        self.accounts.findings += 1;
        self.advance(finding.time, out);
        if self.repetition.of(&finding, self.now) {
            self.accounts.repeated += 1;
        } else if self.whitelists(&finding) {
            self.accounts.whitelisted += 1;
        } else if self.ignores(&finding) {
            self.accounts.ignored += 1;
        } else {
            self.route(finding, out);
        }
    }

    fn route(&mut self, finding: Finding, out: &mut Vec<Event>) {
        let noisy = is_noisy(&finding);
        if !noisy && self.settings.throttle == ThrottleMode::Off {
            self.at_once(finding, out);
            return;
        }
        let key = self.keys.of((
            finding.flow.src,
            finding.flow.protocol,
            finding.kind,
            &finding.indicator,
            &finding.observed.text,
        ));
        let (windows, joint) =
            if noisy { (&mut self.bundles, Joint::Bundle) } else { (&mut self.summaries, Joint::Summary) };
        match windows.take(key, finding, self.now) {
            Fate::AtOnce(finding) => self.at_once(finding, out),
            Fate::Held => self.accounts.held += 1,
            Fate::Full(joined) => {
                self.accounts.held += 1;
                self.write(joint, joined, out);
            }
        }
    }

    fn at_once(&mut self, finding: Finding, out: &mut Vec<Event>) {
        self.accounts.at_once += 1;
        self.accounts.events += 1;
        out.push(self.event(Joined::new(finding)));
    }

    fn write(&mut self, joint: Joint, joined: Joined, out: &mut Vec<Event>) {
        self.accounts.held -= joined.count;
        match joint {
            Joint::Bundle => self.accounts.in_bundles += joined.count,
            Joint::Summary => self.accounts.in_summaries += joined.count,
        }
        self.accounts.events += 1;
        let count = joined.count;
        let mut event = self.event(joined);
        if joint == Joint::Summary {
            event.reasons.push(format!("{count} more within {} s", self.settings.throttle_window));
        }
        out.push(event);
    }

    /// Packet time (or, on an idle link, the clock) has come to `now`.
    pub fn advance(&mut self, now: Micros, out: &mut Vec<Event>) {
        self.now = self.now.max(now);
        self.end_windows(self.now, out);
    }

    /// The end: everything held goes out.
    pub fn finish(&mut self, out: &mut Vec<Event>) {
        self.end_windows(Micros(i64::MAX), out);
    }

    /// Ends what ends up to `until`, the first end first: the order of events does not depend on how often
    /// somebody looks.
    fn end_windows(&mut self, until: Micros, out: &mut Vec<Event>) {
        loop {
            let bundle = self.bundles.next_end().filter(|end| *end <= until);
            let summary = self.summaries.next_end().filter(|end| *end <= until);
            let joint = match (bundle, summary) {
                (None, None) => return,
                (Some(bundle), Some(summary)) if summary < bundle => Joint::Summary,
                (Some(_), _) => Joint::Bundle,
                (None, Some(_)) => Joint::Summary,
            };
            let ended = match joint {
                Joint::Bundle => self.bundles.end_first(),
                Joint::Summary => self.summaries.end_first(),
            };
            if let Some(joined) = ended {
                self.write(joint, joined, out);
            }
        }
    }

    /// Where findings went.
    #[must_use]
    pub fn accounts(&self) -> Accounts {
        self.accounts
    }

    /// What the bounded tables hold: `bundles` and `throttle_windows` (at the limit, findings of further sources and
    /// trails are events at once), `repetitions`, `told_flows` and `told_queries` (at the limit, what is not remembered
    /// is said again).
    #[must_use]
    pub fn tables(&self) -> [TableUsage; 5] {
        let [repetitions, flows, queries] = self.repetition.tables();
        [self.bundles.table("bundles"), self.summaries.table("throttle_windows"), repetitions, flows, queries]
    }

    /// Whether the user listed what the finding is about. Addresses of the flow do not excuse a name: that of a
    /// trusted resolver stands beside every name asked for.
    fn whitelists(&self, finding: &Finding) -> bool {
        let list = &self.settings.whitelist;
        if list.is_empty() {
            return false;
        }
        if finding.kind == Kind::Dns {
            return list.has_name(finding.observed.text.as_bytes());
        }
        let context = &finding.context;
        let matched = finding.observed.matched.first();
        let seen = matched
            .and_then(|range| finding.observed.text.get(range.start as usize..range.end as usize))
            .and_then(|text| text.parse().ok());
        list.has_address(finding.flow.src)
            || list.has_address(finding.flow.dst)
            || seen.is_some_and(|address| list.has_address(address))
            || [&context.host, &context.sni, &context.query].into_iter().any(|host| list.has_host(host))
    }

    fn ignores(&self, finding: &Finding) -> bool {
        let rules = &self.settings.ignore;
        rules.covers(&finding.flow)
            || (rules.reads_lines() && rules.matches(&self.event(Joined::new(finding.clone())).line(&TimeZone::UTC)))
    }

    fn event(&self, joined: Joined) -> Event {
        let Joined { first: finding, last, count, src_ports, dst, dst_ports } = joined;
        let mut context = finding.context;
        // A bundle of several flows has no single identifier.
        if count == 1 {
            context.community_id = community_id(&finding.flow);
        }
        let mut event = Event {
            id: String::new(),
            time: timestamp(finding.time),
            last: timestamp(last),
            site: self.settings.site.clone(),
            sensor: self.settings.sensor.clone(),
            src: vec![finding.flow.src],
            src_ports,
            dst,
            dst_ports,
            protocol: finding.flow.protocol,
            kind: finding.kind,
            observed: finding.observed,
            indicator: finding.indicator,
            info: finding.info,
            reference: finding.reference,
            class: class_name(finding.class).to_owned(),
            severity: finding.severity,
            confidence: finding.confidence,
            reasons: finding.reasons,
            count,
            context,
            batch: String::new(),
        };
        event.id = identify(&event, finding.time, finding.sequence);
        event
    }
}

/// Findings that come in numbers and say little one by one. High ones and the user's own never wait.
fn is_noisy(finding: &Finding) -> bool {
    let class = matches!(finding.class, Class::Attacker | Class::Scanner | Class::IpInfo | Class::Anonymizer);
    (class || finding.kind == Kind::Ua) && !finding.custom && finding.severity < Severity::High
}

fn community_id(flow: &packet::Flow) -> String {
    use packet::flow::protocol;
    match flow.protocol {
        // Echo requests are what is looked at.
        protocol::ICMP => flow.community_id_of_icmp(8, 0, 0),
        protocol::ICMPV6 => flow.community_id_of_icmp(128, 0, 0),
        _ => flow.community_id(0),
    }
}

/// Time in microseconds, within what a calendar can say.
fn timestamp(time: Micros) -> Timestamp {
    let fallback = if time.0 < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_microsecond(time.0).unwrap_or(fallback)
}

/// The same for the same input: packet time and sequence, and a fixed hash of what the event says.
fn identify(event: &Event, time: Micros, sequence: u64) -> String {
    let mut content = Vec::with_capacity(256);
    content.extend_from_slice(&sequence.to_le_bytes());
    content.extend_from_slice(&event.count.to_le_bytes());
    content.extend_from_slice(&[event.protocol, event.kind as u8]);
    for address in event.src.iter().chain(&event.dst) {
        match address {
            std::net::IpAddr::V4(address) => content.extend_from_slice(&address.octets()),
            std::net::IpAddr::V6(address) => content.extend_from_slice(&address.octets()),
        }
    }
    for port in event.src_ports.iter().chain(&event.dst_ports) {
        content.extend_from_slice(&port.to_le_bytes());
    }
    for text in [&event.site, &event.sensor, &event.observed.text, &event.indicator, &event.info, &event.reference] {
        content.extend_from_slice(text.as_bytes());
        content.push(0);
    }
    format!("{:016x}{:016x}", time.0, rapidhash::v3::rapidhash_v3(&content))
}
