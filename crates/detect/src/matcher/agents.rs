//! Agents that were searched and are not listed: most requests come with one of a few.
//!
//! An agent is passed over only if the very same bytes were searched before.

use std::hash::BuildHasher;

/// Agents remembered; a further one takes the place of another.
const AGENTS: usize = 64;
/// Longest agent that is remembered, bytes.
const LENGTH: usize = 512;

pub(super) struct Unlisted {
    slots: Vec<Vec<u8>>,
    state: foldhash::fast::FixedState,
}

impl Unlisted {
    pub(super) fn new(seed: u64) -> Unlisted {
        let slots = (0..AGENTS).map(|_| Vec::with_capacity(LENGTH)).collect();
        Unlisted { slots, state: foldhash::fast::FixedState::with_seed(seed) }
    }

    fn place(&self, agent: &[u8]) -> usize {
        (self.state.hash_one(agent) % AGENTS as u64) as usize
    }

    pub(super) fn has(&self, agent: &[u8]) -> bool {
        !agent.is_empty() && self.slots.get(self.place(agent)).is_some_and(|slot| slot == agent)
    }

    pub(super) fn note(&mut self, agent: &[u8]) {
        let place = self.place(agent);
        if let (Some(slot), true) = (self.slots.get_mut(place), agent.len() <= LENGTH) {
            slot.clear();
            slot.extend_from_slice(agent);
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
