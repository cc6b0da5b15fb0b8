//! A store in memory: what was absorbed, and how far.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use super::super::Sink;
use crate::store::{Gap, SourceId, StoreError, Stored};

#[derive(Clone, Default)]
pub(super) struct Kept {
    pub(super) positions: BTreeMap<SourceId, u64>,
    pub(super) events: Vec<Stored>,
    pub(super) gaps: Vec<Gap>,
    pub(super) lost: Vec<Gap>,
    /// Calls that still succeed; none: all.
    pub(super) calls: Option<u64>,
}

#[derive(Default)]
pub(super) struct Memory(Mutex<Kept>);

impl Memory {
    pub(super) fn of(kept: Kept) -> Arc<Memory> {
        Arc::new(Memory(Mutex::new(kept)))
    }

    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap()
    }

    /// The texts that were seen, sorted.
    pub(super) fn texts(&self) -> Vec<String> {
        let mut texts: Vec<_> = self.kept().events.iter().map(|stored| stored.event.observed.text.clone()).collect();
        texts.sort();
        texts
    }
}

impl Sink for Memory {
    fn position(&self, source: &SourceId) -> Option<u64> {
        self.kept().positions.get(source).copied()
    }

    fn absorb(&self, source: &SourceId, upto: u64, events: Vec<Stored>) -> Result<(), StoreError> {
        let mut kept = self.kept();
        if let Some(calls) = &mut kept.calls {
            *calls = calls.checked_sub(1).ok_or_else(|| StoreError::Damaged("a store that takes no more".into()))?;
        }
        let position = kept.positions.entry(source.clone()).or_default();
        assert!(upto >= *position, "{source} went back from {position} to {upto}");
        assert!(upto > *position || events.is_empty(), "{source}: events of no bytes");
        *position = upto;
        kept.events.extend(events);
        Ok(())
    }

    fn sources(&self) -> Vec<(SourceId, u64)> {
        self.kept().positions.iter().map(|(id, position)| (id.clone(), *position)).collect()
    }

    fn gaps(&self) -> Vec<Gap> {
        self.kept().gaps.clone()
    }

    fn fill(&self, gap: &Gap, upto: u64, events: Vec<Stored>) -> Result<(), StoreError> {
        let mut kept = self.kept();
        if upto >= gap.range.upto {
            kept.gaps.retain(|known| known.range.source != gap.range.source);
        }
        kept.events.extend(events);
        Ok(())
    }

    fn abandon(&self, gap: &Gap) -> Result<(), StoreError> {
        let mut kept = self.kept();
        kept.gaps.retain(|known| known != gap);
        kept.lost.push(gap.clone());
        Ok(())
    }
}
