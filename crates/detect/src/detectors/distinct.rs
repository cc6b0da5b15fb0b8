//! How many different values of a subject were seen within a sliding window: ports of a pair of hosts, hosts of a port.
//!
//! A window is looked at in steps of whole seconds, an eighth of it each (at least one second), so it is as long as it
//! is said to be or up to a step longer. Values and subjects are hashes of a secret seed. What was seen in the same
//! step again changes nothing, so it makes no difference how often it is told. At its limits new subjects and values are
//! refused and counted; what is over goes when room is needed.

use hashbrown::HashTable;
use packet::{TableLimit, TableUsage};

/// Steps of a window.
const STEPS: u32 = 8;

/// Limits of one counter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) subjects: usize,
    pub(super) values: usize,
}

impl Limits {
    /// Of most detectors: 56 bytes a subject, 16 a value, and what a hash table leaves free.
    pub(super) const USUAL: Limits = Limits { subjects: 1 << 16, values: 1 << 17 };
}

struct Subject {
    key: u64,
    /// The value it began with: most subjects have no other.
    first: Value,
    /// Step it was last seen in.
    step: u32,
    /// Step up to which it was told.
    told: Option<u32>,
    /// Values by the step they were last seen in.
    counts: [u16; STEPS as usize],
}

#[derive(Clone, Copy)]
struct Value {
    key: u64,
    step: u32,
}

/// Counts different values of subjects.
pub(super) struct Distinct {
    name: &'static str,
    subjects: HashTable<Subject>,
    values: HashTable<Value>,
    limits: Limits,
    /// Length of a step, seconds.
    length: u32,
    threshold: u32,
    now: u32,
    swept: u32,
    refused: u64,
}

/// The same value of another subject is another value.
#[inline(always)]
fn joined(subject: u64, value: u64) -> u64 {
    // An odd constant (2^64 / golden ratio): the hashes are spread and secret already.
    (subject.rotate_left(32) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl Subject {
    /// Forgets what left the window.
    #[inline(always)]
    fn advance(&mut self, now: u32) {
        let gone = now.wrapping_sub(self.step);
        if gone == 0 {
            return;
        }
        if gone >= STEPS {
            self.counts = [0; STEPS as usize];
        } else {
            for step in 1..=gone {
                *self.count(self.step.wrapping_add(step)) = 0;
            }
        }
        self.step = now;
    }

    #[inline(always)]
    fn count(&mut self, step: u32) -> &mut u16 {
        let [c0, c1, c2, c3, c4, c5, c6, c7] = &mut self.counts;
        match step % STEPS {
            0 => c0,
            1 => c1,
            2 => c2,
            3 => c3,
            4 => c4,
            5 => c5,
            6 => c6,
            _ => c7,
        }
    }

    /// A value that was last seen in a step does not count there any more.
    #[inline(always)]
    fn less(&mut self, step: u32, now: u32) {
        if now.wrapping_sub(step) < STEPS {
            let count = self.count(step);
            *count = count.saturating_sub(1);
        }
    }

    fn sum(&self) -> u32 {
        self.counts.iter().map(|count| u32::from(*count)).sum()
    }
}

impl Distinct {
    /// `window` in seconds; a subject is told with more than `threshold` values in it, which can be up to 60,000.
    pub(super) fn new(name: &'static str, window: u32, threshold: u32, limits: Limits) -> Distinct {
        Distinct {
            name,
            subjects: HashTable::new(),
            values: HashTable::new(),
            limits,
            length: window.div_ceil(STEPS).max(1),
            threshold,
            now: 0,
            swept: 0,
            refused: 0,
        }
    }

    /// Length of the window, seconds.
    pub(super) fn window(&self) -> u32 {
        self.length * STEPS
    }

    /// A value of a subject is seen at `second`. How many there are, where that is more than the threshold and was not
    /// told within a window.
    #[inline]
    pub(super) fn see(&mut self, subject: u64, value: u64, second: i64) -> Option<u32> {
        let step = (second / i64::from(self.length)) as u32;
        self.now = self.now.max(step);
        let now = self.now;
        if self.subjects.len() >= self.limits.subjects || self.values.len() >= self.limits.values {
            self.sweep();
        }
        let full = self.subjects.len() >= self.limits.subjects;
        let known = self.subjects.find_mut(subject, |known| known.key == subject);
        let Some(subject) = known else {
            if full {
                self.refused += 1;
            } else {
                self.begin(subject, Value { key: value, step: now });
            }
            return None;
        };
        subject.advance(now);
        // What goes on is told again after a window; until then it takes no more room.
        if subject.told.is_some_and(|until| now < until) {
            return None;
        }
        let key = joined(subject.key, value);
        let full = self.values.len() >= self.limits.values;
        let before = if subject.first.key == value {
            Some(std::mem::replace(&mut subject.first.step, now))
        } else {
            match self.values.find_mut(key, |known| known.key == key) {
                Some(known) => Some(std::mem::replace(&mut known.step, now)),
                None if full => {
                    self.refused += 1;
                    return None;
                }
                None => {
                    self.values.insert_unique(key, Value { key, step: now }, |known| known.key);
                    None
                }
            }
        };
        match before {
            Some(step) if step == now => return None,
            Some(step) => subject.less(step, now),
            None => {}
        }
        let count = subject.count(now);
        *count = count.saturating_add(1);
        let sum = subject.sum();
        if sum <= self.threshold {
            return None;
        }
        subject.told = Some(now.saturating_add(STEPS));
        Some(sum)
    }

    /// A new subject with its first value.
    fn begin(&mut self, key: u64, first: Value) {
        let mut subject = Subject { key, first, step: first.step, told: None, counts: [0; STEPS as usize] };
        *subject.count(first.step) = 1;
        self.subjects.insert_unique(key, subject, |known| known.key);
    }

    /// The value does not count (any more).
    pub(super) fn forget(&mut self, subject: u64, value: u64) {
        let now = self.now;
        let known = self.subjects.find_mut(subject, |known| known.key == subject);
        let Some(subject) = known else { return };
        subject.advance(now);
        let key = joined(subject.key, value);
        if subject.first.key == value {
            // Its step is one that has left the window.
            let step = std::mem::replace(&mut subject.first.step, now.wrapping_sub(STEPS));
            subject.less(step, now);
        } else if let Ok(known) = self.values.find_entry(key, |known| known.key == key) {
            let (Value { step, .. }, _) = known.remove();
            subject.less(step, now);
        }
    }

    /// What is over goes, once in a step at most.
    #[cold]
    fn sweep(&mut self) {
        let now = self.now;
        if self.swept == now {
            return;
        }
        self.swept = now;
        self.values.retain(|value| now.wrapping_sub(value.step) < STEPS);
        self.subjects.retain(|subject| now.wrapping_sub(subject.step) < STEPS);
    }

    /// Forgets everything but what it counted.
    pub(super) fn clear(&mut self) {
        self.subjects.clear();
        self.values.clear();
        (self.now, self.swept) = (0, 0);
    }

    /// What it holds and refused.
    pub(super) fn usage(&self) -> TableUsage {
        TableUsage {
            name: self.name,
            entries: (self.subjects.len() + self.values.len()) as u64,
            bytes: (self.subjects.allocation_size() + self.values.allocation_size()) as u64,
            limit: TableLimit::Entries((self.limits.subjects + self.limits.values) as u64),
            refused: self.refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(subjects: usize, values: usize) -> Distinct {
        Distinct::new("x", 30, 3, Limits { subjects, values })
    }

    /// Different values at different times: told with the one above the threshold, within the window only.
    #[test]
    fn more_than_the_threshold_within_a_window() {
        let mut counter = counter(10, 100);
        assert_eq!(counter.window(), 32);
        for value in [1, 2, 3, 3, 2, 1] {
            assert_eq!(counter.see(7, value, 1000), None);
        }
        assert_eq!(counter.see(8, 4, 1000), None, "of another subject");
        assert_eq!(counter.see(7, 4, 1031), Some(4));
        assert_eq!(counter.see(7, 5, 1031), None, "told already");
        assert_eq!(counter.see(7, 6, 1059), None, "told until a window is over");
        for (value, told) in [(1, None), (2, None), (3, None), (4, Some(4))] {
            assert_eq!(counter.see(7, value, 1064), told, "{value}");
        }
    }

    #[test]
    fn what_left_the_window_does_not_count_and_what_came_again_counts_once() {
        let mut counter = counter(10, 100);
        for (second, value, told) in
            [(0, 1, None), (4, 2, None), (8, 3, None), (32, 4, None), (33, 2, None), (36, 5, Some(4)), (36, 6, None)]
        {
            assert_eq!(counter.see(7, value, second), told, "{second} {value}");
        }
        let mut again = self::counter(10, 100);
        for second in 0..100 {
            assert_eq!(again.see(7, second as u64 % 3, second), None);
        }
        assert_eq!(again.see(7, 9, 100), Some(4));
    }

    #[test]
    fn forgotten_values_do_not_count() {
        let mut counter = counter(10, 100);
        for value in 0..50 {
            assert_eq!(counter.see(7, value, value as i64 / 10), None);
            counter.forget(7, value);
        }
        assert_eq!((counter.subjects.len(), counter.values.len()), (1, 0));
        for (value, told) in [(60, None), (61, None), (0, None), (62, Some(4))] {
            assert_eq!(counter.see(7, value, 5), told, "{value}");
        }
        counter.forget(9, 9);
    }

    #[test]
    fn at_the_limits_new_ones_are_refused_until_old_ones_are_over() {
        let mut counter = counter(3, 2);
        let held = |counter: &Distinct| (counter.subjects.len(), counter.values.len(), counter.refused);
        for (subject, count) in [(1, 1), (2, 2), (3, 3)] {
            counter.see(subject, 1, 0);
            assert_eq!(held(&counter), (count, 0, 0), "the first value has its place in its subject");
        }
        counter.see(4, 1, 0);
        assert_eq!(held(&counter), (3, 0, 1), "a subject too many");
        for (value, count) in [(2, 1), (3, 2)] {
            counter.see(1, value, 0);
            assert_eq!(held(&counter), (3, count, 1));
        }
        counter.see(2, 4, 0);
        assert_eq!(held(&counter), (3, 2, 2), "a value too many");
        counter.see(2, 1, 31);
        counter.see(5, 1, 32);
        assert_eq!(held(&counter), (2, 0, 2), "what was over made room");
        assert_eq!(counter.usage().entries, 2);
    }

    #[test]
    fn time_does_not_step_back() {
        let mut counter = counter(10, 100);
        for (second, value) in [(100, 1), (60, 2), (20, 3)] {
            assert_eq!(counter.see(7, value, second), None);
        }
        assert_eq!(counter.see(7, 4, 0), Some(4), "they count as of the latest");
    }

    mod against_a_plain_list {
        use super::*;
        use proptest::prelude::*;

        proptest! {
            #[test]
            fn it_counts_the_same(seen in prop::collection::vec((0u64..3, 0u64..8, 0i64..12), 1..200)) {
                let mut counter = counter(1000, 1000);
                let mut list: Vec<(u64, u64, i64)> = Vec::new();
                let mut told: std::collections::HashMap<u64, i64> = Default::default();
                let mut second = 0;
                for (subject, value, later) in seen {
                    second += later;
                    let step = second / 4;
                    let mut expected = None;
                    if told.get(&subject).is_none_or(|until| step >= *until) {
                        list.push((subject, value, step));
                        let within = list.iter().filter(|(s, _, at)| *s == subject && step - at < 8);
                        let values: std::collections::HashSet<u64> = within.map(|(_, value, _)| *value).collect();
                        if values.len() > 3 {
                            expected = Some(values.len() as u32);
                            told.insert(subject, step + 8);
                        }
                    }
                    prop_assert_eq!(counter.see(subject, value, second), expected);
                }
            }
        }
    }
}
