//! Packet time: when a second has gone by, and when it stepped back.

use packet::Micros;

/// A step back further than this makes everything that waits older than its limit, so that nothing waits for a
/// time that comes again only later, microseconds.
pub(crate) const REBASE: i64 = 60 * Micros::SECOND;

/// What the time of a packet means for whoever waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tick {
    /// About a second has gone by.
    Second(Micros),
    /// Time went back far: first everything from before is over, then time is this.
    Back {
        /// Later than all that was kept.
        over: Micros,
        /// Now.
        now: Micros,
    },
}

/// Watches the times of packets in order of capture. Ticks depend on them alone, so that they come at the same
/// packets for any number of workers.
#[derive(Debug)]
pub(crate) struct Clock {
    /// At this time the next tick is due.
    due: i64,
    /// Earlier than this is a step back.
    floor: i64,
    greatest: i64,
    steps: u64,
    first: Option<Micros>,
}

impl Default for Clock {
    fn default() -> Self {
        Clock { due: i64::MIN, floor: i64::MAX, greatest: i64::MIN, steps: 0, first: None }
    }
}

impl Clock {
    /// The time of the next packet; a tick comes before it.
    #[inline]
    pub(crate) fn packet(&mut self, time: Micros) -> Option<Tick> {
        if time.0 < self.due && time.0 >= self.floor { None } else { self.moved(time) }
    }

    #[cold]
    fn moved(&mut self, time: Micros) -> Option<Tick> {
        let first = self.first.is_none();
        self.first = Some(self.first.map_or(time, |first| first.min(time)));
        let stepped_back = time.0 < self.floor;
        // `due` stands a second after the last tick: a tick every second, a step back if a second before it.
        let last = self.due.saturating_sub(Micros::SECOND);
        self.due = time.0.saturating_add(Micros::SECOND);
        self.floor = time.0.saturating_sub(Micros::SECOND);
        let over = Micros(self.greatest.max(last)).plus(REBASE);
        self.greatest = self.greatest.max(time.0);
        if first {
            return None;
        }
        if !stepped_back {
            return Some(Tick::Second(time));
        }
        self.steps += 1;
        let far = last.saturating_sub(time.0) > REBASE;
        far.then_some(Tick::Back { over, now: time })
    }

    /// Times it stepped back by more than a second.
    pub(crate) fn steps(&self) -> u64 {
        self.steps
    }

    /// Earliest time seen at a tick.
    pub(crate) fn first(&self) -> Option<Micros> {
        self.first
    }

    /// Greatest time seen at a tick.
    pub(crate) fn greatest(&self) -> Option<Micros> {
        self.first.map(|_| Micros(self.greatest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Micros {
        Micros(seconds * Micros::SECOND)
    }

    #[test]
    fn a_tick_a_second() {
        let mut clock = Clock::default();
        assert_eq!(clock.packet(at(100)), None);
        assert_eq!(clock.packet(Micros(100_999_999)), None);
        assert_eq!(clock.packet(at(101)), Some(Tick::Second(at(101))));
        assert_eq!(clock.packet(at(500)), Some(Tick::Second(at(500))), "one tick for a long pause");
        assert_eq!(clock.steps(), 0);
    }

    #[test]
    fn small_steps_back_are_counted_far_ones_end_what_waits() {
        let mut clock = Clock::default();
        clock.packet(at(1000));
        assert_eq!(clock.packet(at(999)), None);
        assert_eq!(clock.steps(), 0, "packets of one second may be out of order");
        assert_eq!(clock.packet(at(990)), None);
        assert_eq!(clock.steps(), 1);
        assert_eq!(clock.packet(at(991)), Some(Tick::Second(at(991))));
        let back = clock.packet(at(5));
        assert_eq!(back, Some(Tick::Back { over: at(1060), now: at(5) }));
        assert_eq!(clock.steps(), 2);
        assert_eq!(clock.packet(at(6)), Some(Tick::Second(at(6))));
        assert_eq!(clock.first(), Some(at(5)));
        assert_eq!(clock.greatest(), Some(at(1000)));
    }

    #[test]
    fn extreme_times_do_not_overflow() {
        let mut clock = Clock::default();
        for time in [i64::MIN, i64::MAX, 0, i64::MAX, i64::MIN] {
            clock.packet(Micros(time));
        }
    }
}
