//! Old days go.

use jiff::civil::Date;
use serde::Serialize;

use super::StoreError;
use super::archive::Archive;
use super::source::{Gap, Missing};

/// What was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// UTC days.
    pub days: Vec<Date>,
    /// Lines.
    pub lines: u64,
    /// Files of the log directory.
    pub files: u64,
    /// Files of the log directory that could not be removed: they are tried again.
    pub failed: u64,
    /// Bytes of segments and of files.
    pub bytes: u64,
}

impl Archive {
    /// Bytes of segments of each UTC day, oldest first.
    #[must_use]
    pub fn bytes_by_day(&self) -> Vec<(Date, u64)> {
        let mut days: std::collections::BTreeMap<Date, u64> = std::collections::BTreeMap::new();
        for segment in self.state().segments.values() {
            *days.entry(segment.meta.day).or_default() += segment.meta.bytes;
        }
        days.into_iter().collect()
    }

    /// Removes the segments of UTC days before a day, and says what it was. Their files go when the last reader is
    /// done.
    ///
    /// # Errors
    /// The catalog cannot be written; nothing was removed.
    pub fn remove_before(&self, day: Date) -> Result<Removed, StoreError> {
        let changing = self.change();
        let old: Vec<_> = self.state().segments.values().filter(|segment| segment.meta.day < day).cloned().collect();
        if old.is_empty() {
            return Ok(Removed::default());
        }
        self.commit(|catalog| {
            catalog.segments.retain(|meta| meta.day >= day);
            catalog.gaps.retain(|gap| !is_before(gap, day));
        })?;
        let mut state = self.state();
        state.gaps.retain(|gap| !is_before(gap, day));
        let mut removed = Removed::default();
        for segment in old {
            state.segments.remove(&segment.meta.id);
            segment.dismiss();
            removed.days.push(segment.meta.day);
            removed.lines += segment.meta.counts.all.lines;
            removed.bytes += segment.meta.bytes;
        }
        drop((state, changing));
        removed.days.sort_unstable();
        removed.days.dedup();
        tracing::info!("{} old days removed: {} events, {} bytes", removed.days.len(), removed.lines, removed.bytes);
        Ok(removed)
    }
}

fn is_before(gap: &Gap, day: Date) -> bool {
    matches!(gap.missing, Missing::Of(of) if of < day)
}

/// The first day that is kept: none where all are. `sizes` are bytes by day, oldest first; the newest day stays
/// whatever it takes.
#[must_use]
pub fn first_kept(sizes: &[(Date, u64)], today: Date, days: Option<u32>, bytes: Option<u64>) -> Option<Date> {
    let by_age = days.and_then(|days| today.checked_sub(jiff::Span::new().try_days(days).ok()?).ok());
    let by_size = bytes.and_then(|most| {
        let mut held = 0u64;
        let mut newest_first = sizes.iter().rev().enumerate();
        let (_, (over, _)) = newest_first.find(|(place, (_, size))| {
            held = held.saturating_add(*size);
            *place > 0 && held > most
        })?;
        over.tomorrow().ok()
    });
    by_age.max(by_size).filter(|first| sizes.iter().any(|(day, _)| day < first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: i8) -> Date {
        Date::constant(2026, 11, day)
    }

    #[test]
    fn by_age_and_by_size() {
        let sizes: Vec<_> = (10..=20).map(|n| (day(n), 100)).collect();
        let kept = |days, bytes| first_kept(&sizes, day(20), days, bytes);
        assert_eq!(kept(None, None), None);
        assert_eq!(kept(Some(3), None), Some(day(17)));
        assert_eq!(kept(Some(30), None), None);
        assert_eq!((kept(None, Some(1_100)), kept(None, Some(1_099))), (None, Some(day(11))));
        assert_eq!((kept(None, Some(301)), kept(None, Some(299))), (Some(day(18)), Some(day(19))));
        assert_eq!(kept(None, Some(1)), Some(day(20)));
        assert_eq!(kept(Some(3), Some(299)), Some(day(19)));
    }
}
