//! Once more, a little later; and no more when all is to end.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::client::FetchError;

/// How often, and how long between.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Requests for one thing at most.
    pub attempts: u32,
    /// Before the second; each further one takes twice as long.
    pub first: Duration,
    /// Longest time between two. A server that asks for more is not asked again.
    pub longest: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience { attempts: 3, first: Duration::from_secs(2), longest: Duration::from_secs(30) }
    }
}

impl Patience {
    /// How long to wait after the given attempt (from 1) failed; none: no further one.
    #[must_use]
    pub fn after(&self, attempt: u32, error: &FetchError) -> Option<Duration> {
        if attempt >= self.attempts || !error.passes() {
            return None;
        }
        let doubled = self.first.saturating_mul(1_u32.checked_shl(attempt - 1).unwrap_or(u32::MAX));
        let asked = Duration::from_secs(error.after().unwrap_or_default());
        (asked <= self.longest).then(|| doubled.max(asked).min(self.longest))
    }
}

/// Tells all who wait that they need not.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<(Mutex<bool>, Condvar)>);

impl Stop {
    /// Ends all waiting, now and later.
    pub fn stop(&self) {
        let (stopped, bell) = &*self.0;
        *stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        bell.notify_all();
    }

    /// Whether it was told.
    #[must_use]
    pub fn stopped(&self) -> bool {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits that long; whether it was told to stop.
    #[must_use]
    pub fn wait(&self, time: Duration) -> bool {
        let (stopped, bell) = &*self.0;
        let guard = stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = bell.wait_timeout_while(guard, time, |stopped| !*stopped);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_passes_is_tried_again() {
        let patience = Patience::default();
        let status = |status, after| FetchError::Status { status, after };
        assert_eq!(patience.after(1, &status(404, None)), None);
        assert_eq!(patience.after(1, &status(503, None)), Some(Duration::from_secs(2)));
        assert_eq!(patience.after(2, &status(503, None)), Some(Duration::from_secs(4)));
        assert_eq!(patience.after(3, &status(503, None)), None);
        assert_eq!(patience.after(1, &status(429, Some(9))), Some(Duration::from_secs(9)));
        assert_eq!(patience.after(1, &status(429, Some(30))), Some(patience.longest));
        assert_eq!(patience.after(1, &status(429, Some(31))), None);
        assert_eq!(patience.after(1, &FetchError::Large(1)), None);
    }

    #[test]
    fn a_stop_ends_waiting() {
        let stop = Stop::default();
        let other = stop.clone();
        let waiting = std::thread::spawn(move || other.wait(Duration::from_secs(600)));
        stop.stop();
        assert!(waiting.join().unwrap());
        assert!(stop.wait(Duration::from_secs(600)));
    }
}
