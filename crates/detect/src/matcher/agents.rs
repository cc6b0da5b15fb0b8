//! Agents that were searched and are not listed: most requests come with one of a few.
//!
//! An agent is passed over only if the very same bytes were searched before.

use std::hash::BuildHasher;

/// Agents remembered; a further one takes the place of another. A network of some thousand machines sends about so many.
const AGENTS: usize = WAYS << 6;
/// Places an agent may take.
const WAYS: usize = 4;
/// Longest agent that is remembered, bytes.
const LENGTH: usize = 512;

/// The places that agents of some hashes share.
struct Set {
    hashes: [u64; WAYS],
    agents: [Vec<u8>; WAYS],
    /// The place that is taken next.
    next: usize,
}

pub(super) struct Unlisted {
    sets: Vec<Set>,
    state: foldhash::fast::FixedState,
}

impl Unlisted {
    pub(super) fn new(seed: u64) -> Unlisted {
        let agents = || std::array::from_fn(|_| Vec::with_capacity(LENGTH));
        let sets = (0..AGENTS / WAYS).map(|_| Set { hashes: [0; WAYS], agents: agents(), next: 0 }).collect();
        Unlisted { sets, state: foldhash::fast::FixedState::with_seed(seed) }
    }

    /// The hash of an agent and the number of its set.
    #[inline]
    fn place(&self, agent: &[u8]) -> (u64, usize) {
        let hash = self.state.hash_one(agent);
        (hash, (hash % (AGENTS / WAYS) as u64) as usize)
    }

    #[inline]
    pub(super) fn has(&self, agent: &[u8]) -> bool {
        let (hash, set) = self.place(agent);
        let Some(Set { hashes, agents, .. }) = self.sets.get(set) else { return false };
        !agent.is_empty() && hashes.iter().zip(agents).any(|(other, kept)| *other == hash && kept == agent)
    }

    pub(super) fn note(&mut self, agent: &[u8]) {
        let (hash, set) = self.place(agent);
        let Some(Set { hashes, agents, next }) = self.sets.get_mut(set) else { return };
        if let (Some(place), Some(kept), true) = (hashes.get_mut(*next), agents.get_mut(*next), agent.len() <= LENGTH) {
            *next = (*next + 1) % WAYS;
            *place = hash;
            kept.clear();
            kept.extend_from_slice(agent);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_same_agent_is_passed_over() {
        let mut unlisted = Unlisted::new(7);
        assert!(!unlisted.has(b"") && !unlisted.has(b"a/1.0"));
        unlisted.note(b"a/1.0");
        assert!(unlisted.has(b"a/1.0"));
        assert!(!unlisted.has(b"A/1.0") && !unlisted.has(b"a/1.0 ") && !unlisted.has(b"a/1."));
    }

    #[test]
    fn no_more_are_kept_than_there_are_places() {
        let mut unlisted = Unlisted::new(7);
        let agents: Vec<String> = (0..10 * AGENTS).map(|n| format!("agent/{n}")).collect();
        for agent in &agents {
            unlisted.note(agent.as_bytes());
            assert!(unlisted.has(agent.as_bytes()), "the last one is kept");
        }
        let kept = agents.iter().filter(|agent| unlisted.has(agent.as_bytes())).count();
        assert!((1..=AGENTS).contains(&kept));
    }

    #[test]
    fn long_agents_are_searched_every_time() {
        let mut unlisted = Unlisted::new(7);
        for (length, kept) in [(LENGTH - 1, true), (LENGTH, true), (LENGTH + 1, false)] {
            let agent = vec![b'a'; length];
            unlisted.note(&agent);
            assert_eq!(unlisted.has(&agent), kept, "{length}");
        }
    }
}
