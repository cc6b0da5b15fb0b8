//! One batch after another to the server, oldest first, each until it is known what became of it.

use std::collections::BTreeMap;
use std::hash::BuildHasher as _;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use feeds::fetch::{Client, FetchError, Limits, Patience};
use foldhash::fast::FixedState;
use serde::Deserialize;

use super::spool::{Batch, Spool, count};
use super::{Reason, token};
use crate::hooks::{Level, MessageHook};
use crate::settings::PushSettings;

/// Batches that are not full come this far apart at least, so that single events make no batch each.
const LINGER: Duration = Duration::from_millis(250);
/// Attempts go on for ever: after half a second at first, after a minute in the end, and then as the server asks, within
/// that.
const PATIENCE: Patience =
    Patience { attempts: u32::MAX, first: Duration::from_millis(500), longest: Duration::from_secs(60) };
/// Compression of a batch: zstd's default.
const LEVEL: i32 = 3;
/// Longest answer that is read, bytes.
const MAX_ANSWER: u64 = 64 << 10;

/// An acknowledgement.
#[derive(Debug, Deserialize)]
struct Taken {
    refused: BTreeMap<String, u64>,
    repeated: bool,
}

/// What came of an attempt.
enum Verdict {
    /// The server has it.
    Taken(Taken),
    /// The server never takes it.
    Refused(u16),
    /// It is sent again.
    Later { reason: Reason, text: String, wait: Duration },
    /// Its file is gone.
    Gone,
}

/// What the thread works with.
pub(super) struct Sender {
    spool: Arc<Spool>,
    client: Client,
    server: String,
    url: String,
    token_file: PathBuf,
    jitter: FixedState,
    message: MessageHook,
    /// Failures since the last success, and what was last said of them.
    failed: u32,
    told: Option<Reason>,
    /// Whether it was told that the server leaves out lines.
    told_rejected: bool,
    /// Lines dropped at the limit, as they were last told.
    told_dropped: u64,
}

impl Sender {
    pub(super) fn new(settings: &PushSettings, spool: Arc<Spool>, client: Client, message: MessageHook) -> Sender {
        Sender {
            spool,
            client,
            server: settings.server.clone(),
            url: format!("{}/api/v1/intake", settings.server),
            token_file: settings.token_file.clone(),
            jitter: FixedState::with_seed(settings.seed),
            message,
            failed: 0,
            told: None,
            told_rejected: false,
            told_dropped: 0,
        }
    }

    /// Until the spool is closed and there is nothing more to send, or sending fails.
    pub(super) fn run(mut self) {
        let mut full_only_until = Instant::now();
        let mut last = false;
        while let Some(batch) = self.spool.next(full_only_until) {
            let (lines, verdict) = self.attempt(batch);
            self.tell_dropped();
            full_only_until = Instant::now() + LINGER;
            match verdict {
                Verdict::Taken(taken) => self.taken(lines, &taken),
                Verdict::Refused(status) => {
                    self.spool.refuse();
                    let (server, place) = (&self.server, self.spool.directory().display());
                    let text = format!(
                        "{server} refuses a batch for good ({status}): {lines} lines are kept in {place}/{}.refused, and not sent",
                        batch.name
                    );
                    self.say(Level::Error, &text);
                }
                Verdict::Gone => {
                    self.spool.done(|counts, bytes| {
                        counts.dropped_batches += 1;
                        counts.dropped_bytes += bytes;
                    });
                    let text =
                        format!("{} is gone from {}: it is not sent", batch.name, self.spool.directory().display());
                    self.say(Level::Error, &text);
                }
                Verdict::Later { reason, text, wait } => {
                    self.spool.postpone(reason);
                    self.failed = self.failed.saturating_add(1);
                    self.tell_failure(reason, &text);
                    if last {
                        return;
                    }
                    // At the end once more, at once.
                    last = self.spool.pause(wait);
                }
            }
        }
    }

    fn say(&self, level: Level, text: &str) {
        (self.message)(level, text);
    }

    fn taken(&mut self, lines: u64, taken: &Taken) {
        let rejected = taken.refused.values().sum::<u64>();
        self.spool.done(|counts, bytes| {
            counts.acknowledged_batches += 1;
            counts.acknowledged_lines += lines;
            counts.acknowledged_bytes += bytes;
            counts.repeated_batches += u64::from(taken.repeated);
            counts.rejected_lines += rejected;
        });
        self.failed = 0;
        if self.told.take().is_some() {
            self.say(Level::Info, &format!("{} takes events again", self.server));
        }
        if rejected > 0 && !std::mem::replace(&mut self.told_rejected, true) {
            let reasons: Vec<String> =
                taken.refused.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
            let text = format!(
                "{} does not take some lines ({}); further ones are counted in metrics only",
                self.server,
                reasons.join(", ")
            );
            self.say(Level::Warning, &text);
        }
    }

    fn tell_failure(&mut self, reason: Reason, text: &str) {
        if self.told.replace(reason) != Some(reason) {
            let (server, place) = (&self.server, self.spool.directory().display());
            let text = format!("{server}: {text}; events and observables wait in {place} and are sent once it works");
            self.say(Level::Error, &text);
        }
    }

    /// Said at the first, and whenever they have doubled.
    fn tell_dropped(&mut self) {
        let dropped = self.spool.dropped_lines();
        if dropped > 0 && dropped >= self.told_dropped.saturating_mul(2) {
            self.told_dropped = dropped;
            let text = format!("the spool is full (SPOOL_SIZE): {dropped} lines were dropped so far, the oldest first");
            self.say(Level::Error, &text);
        }
    }

    /// Sends a batch; how many lines it has, and what came of it.
    fn attempt(&mut self, batch: Batch) -> (u64, Verdict) {
        let lines = match self.spool.read(batch) {
            Ok(lines) => lines,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return (0, Verdict::Gone),
            Err(error) => return (0, self.local(format!("cannot read the batch {}: {error}", batch.name))),
        };
        let count = count(&lines);
        let token = match token(&self.token_file) {
            Ok(token) => token,
            Err(text) => return (count, self.local(text)),
        };
        let packed = match zstd::bulk::compress(&lines, LEVEL) {
            Ok(packed) => packed,
            Err(error) => return (count, self.local(format!("cannot compress the batch {}: {error}", batch.name))),
        };
        let (authorization, name) = (format!("Bearer {token}"), batch.name.to_string());
        let headers = [
            ("authorization", authorization.as_str()),
            ("maltrail-batch", &name),
            ("content-type", "application/x-ndjson"),
            ("content-encoding", "zstd"),
        ];
        let answer =
            self.client.post(&self.url, &headers, &packed, Limits { bytes: MAX_ANSWER, patience: super::PATIENCE });
        (count, self.verdict(answer))
    }

    fn local(&self, text: String) -> Verdict {
        Verdict::Later { reason: Reason::Local, text, wait: self.wait(None) }
    }

    fn verdict(&self, answer: Result<Vec<u8>, FetchError>) -> Verdict {
        const FOREIGN: &str = ": LOG_SERVER names no maltrail server";
        let error = match answer {
            Ok(body) => match serde_json::from_slice(&body) {
                Ok(taken) => return Verdict::Taken(taken),
                Err(_) => {
                    let text = format!("the answer is no acknowledgement{FOREIGN}");
                    return Verdict::Later { reason: Reason::Foreign, text, wait: self.wait(None) };
                }
            },
            Err(FetchError::Status { status: status @ (400 | 413 | 415 | 422), .. }) => {
                return Verdict::Refused(status);
            }
            Err(error) => error,
        };
        let (reason, advice) = match &error {
            FetchError::Status { status: 401 | 403, .. } => {
                (Reason::Denied, ": it does not take the token of SENSOR_TOKEN_FILE; make one for this sensor there")
            }
            FetchError::Status { status: 408 | 429 | 503, .. } => (Reason::Busy, ""),
            FetchError::Status { status: 500.., .. } => (Reason::Failing, ""),
            FetchError::Status { .. } | FetchError::Large(_) => (Reason::Foreign, FOREIGN),
            _ => (Reason::Unreachable, ""),
        };
        Verdict::Later { reason, text: format!("{error}{advice}"), wait: self.wait(Some(&error)) }
    }

    fn wait(&self, error: Option<&FetchError>) -> Duration {
        let attempt = self.failed.saturating_add(1);
        wait(attempt, error, self.jitter.hash_one(attempt))
    }
}

/// Each further attempt comes later, but not before the server wants it, and not at the same time as that of other sensors.
/// What the next moment does not change is tried again after the longest time.
fn wait(attempt: u32, error: Option<&FetchError>, random: u64) -> Duration {
    let most = error.and_then(|error| PATIENCE.after(attempt, error)).unwrap_or(PATIENCE.longest);
    let asked = match error {
        Some(FetchError::Status { after: Some(seconds), .. }) => Duration::from_secs(*seconds).min(PATIENCE.longest),
        _ => Duration::ZERO,
    };
    let part = u32::try_from(random % 1_000).unwrap_or(0);
    (most / 2 + most / 2 * part / 1_000).max(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_come_later_and_later_and_never_before_the_server_wants_them() {
        let seconds = |attempt, error: Option<&FetchError>| {
            let waits = [0, 499, 999].map(|random| wait(attempt, error, random).as_secs_f64());
            assert!(waits.is_sorted());
            (waits[0], waits[2])
        };
        let status = |status, after| FetchError::Status { status, after };
        let away = FetchError::Transport(String::new());
        for (attempt, error, least, most) in [
            (1, Some(&away), 0.25, 0.5),
            (2, Some(&away), 0.5, 1.0),
            (7, Some(&away), 16.0, 32.0),
            (8, Some(&away), 30.0, 60.0),
            (u32::MAX, Some(&away), 30.0, 60.0),
            (1, Some(&status(503, Some(0))), 0.25, 0.5),
            (1, Some(&status(429, Some(9))), 9.0, 9.0),
            (1, Some(&status(503, Some(60))), 60.0, 60.0),
            (1, Some(&status(503, Some(86_400))), 60.0, 60.0),
            (1, Some(&status(401, None)), 30.0, 60.0),
            (1, None, 30.0, 60.0),
        ] {
            let (first, last) = seconds(attempt, error);
            assert!(first >= least - 0.001 && last <= most, "{attempt} {error:?}: {first} to {last}");
            assert!(last >= most * 0.99 || attempt > 1 && last >= most * 0.9, "{attempt} {error:?}: {last}");
        }
    }
}
