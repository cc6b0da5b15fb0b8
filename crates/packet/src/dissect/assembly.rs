//! Puts a handshake message together whose parts come in any order, each with its offset.

/// Gaps that are kept track of: parts beyond that are refused. Clients scramble a ClientHello into a few dozen.
const PARTS: usize = 64;

/// The bytes that came so far.
#[derive(Default)]
pub(super) struct Assembly {
    bytes: Vec<u8>,
    /// What of `bytes` came, as (start, end), sorted, none touching another.
    parts: Vec<(usize, usize)>,
}

impl Assembly {
    /// Room for one that rarely has to grow.
    pub(super) fn with_room() -> Self {
        Assembly { bytes: Vec::with_capacity(4096), parts: Vec::with_capacity(PARTS) }
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.parts.clear();
    }

    /// A copy as small as possible.
    pub(super) fn shrunk(&self) -> Self {
        Assembly { bytes: self.bytes.clone(), parts: self.parts.clone() }
    }

    /// Bytes of memory that it takes.
    pub(super) fn held(&self) -> usize {
        self.bytes.capacity() + self.parts.capacity() * size_of::<(usize, usize)>()
    }

    /// Adds what came at `offset`. False where that would pass `limit` bytes or the limit of gaps. Bytes that came
    /// before are not replaced.
    pub(super) fn insert(&mut self, offset: usize, data: &[u8], limit: usize) -> bool {
        let end = offset.saturating_add(data.len());
        if end > limit {
            return false;
        }
        if data.is_empty() {
            return true;
        }
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        // Parts that touch the new one melt into it.
        let first = self.parts.partition_point(|part| part.1 < offset);
        let touched = self.parts.get(first..).unwrap_or_default().iter().take_while(|part| part.0 <= end).count();
        if touched == 0 && self.parts.len() >= PARTS {
            return false;
        }
        let mut merged = (offset, end);
        let mut at = offset;
        for part in self.parts.iter().skip(first).take(touched).copied().chain([(end, end)]) {
            let gap = at..part.0.max(at);
            if let (Some(to), Some(from)) =
                (self.bytes.get_mut(gap.clone()), data.get(gap.start - offset..gap.end - offset))
            {
                to.copy_from_slice(from);
            }
            at = part.1.clamp(at, end);
            merged = (merged.0.min(part.0), merged.1.max(part.1));
        }
        match self.parts.get_mut(first).filter(|_| touched > 0) {
            Some(part) => {
                *part = merged;
                if touched > 1 {
                    self.parts.drain(first + 1..first + touched);
                }
            }
            None => self.parts.insert(first, merged),
        }
        true
    }

    /// What is there without a gap from the first byte on.
    pub(super) fn prefix(&self) -> &[u8] {
        match self.parts.first() {
            Some(&(0, end)) => self.bytes.get(..end).unwrap_or_default(),
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Assembly, PARTS};

    #[test]
    fn limits() {
        for (end, fits) in [(99, true), (100, true), (101, false)] {
            assert_eq!(Assembly::default().insert(end - 10, &[0; 10], 100), fits);
        }
        let mut assembly = Assembly::default();
        for i in 0..PARTS {
            assert!(assembly.insert(2 * i, &[1], 1000), "{i}");
        }
        assert!(!assembly.insert(2 * PARTS, &[1], 1000));
        assert!(assembly.insert(1, &[1], 1000));
        assert!(assembly.insert(2 * PARTS, &[1], 1000));
    }

    proptest! {
        /// Against a plain array of optional bytes, where the first to come stays.
        #[test]
        fn agrees_with_a_map(parts in prop::collection::vec((0usize..60, prop::collection::vec(any::<u8>(), 0..20)), 0..30)) {
            let mut assembly = Assembly::default();
            let mut oracle = [None; 80];
            for (offset, data) in &parts {
                prop_assert!(assembly.insert(*offset, data, 80));
                for (i, byte) in data.iter().enumerate() {
                    oracle[offset + i].get_or_insert(*byte);
                }
            }
            let expected: Vec<u8> = oracle.iter().map_while(|byte| *byte).collect();
            prop_assert_eq!(assembly.prefix(), expected);
        }
    }
}
