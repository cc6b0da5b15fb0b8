//! Findings to events: whitelist, ignore rules, once per flow and second, bundling, throttling.

use event::Event;
use packet::Micros;

use crate::Finding;

/// EVENT_THROTTLE_MODE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThrottleMode {
    /// Every event at once.
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

/// One for all workers; takes findings in order of capture.
pub struct Pipeline {
    accounts: Accounts,
}

impl Pipeline {
    /// A new one.
    #[must_use]
    pub fn new(_settings: PipelineSettings) -> Self {
        Pipeline { accounts: Accounts::default() }
    }

    /// Takes one finding; events that are due go to `out`.
    pub fn take(&mut self, _finding: Finding, _out: &mut Vec<Event>) {
        self.accounts.findings += 1;
    }

    /// Packet time (or, on an idle link, the clock) has come to `now`.
    pub fn advance(&mut self, _now: Micros, _out: &mut Vec<Event>) {}

    /// The end: everything held goes out.
    pub fn finish(&mut self, _out: &mut Vec<Event>) {}

    /// Where findings went.
    #[must_use]
    pub fn accounts(&self) -> Accounts {
        self.accounts
    }
}
