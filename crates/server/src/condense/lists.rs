//! Short lists of numbers, several for each of millions of threats: most hold one, and that takes no place of its own.
//!
//! A list is named by a `u32` in its owner's row: [`NONE`], a single number below 2^31, or the place of a block. A block
//! has 4, 8, 16, 32 or 64 words; the first holds the length and whether there was more than is kept.

use super::paged::Paged;

/// No list.
pub(super) const NONE: u32 = u32::MAX;
/// Set in the name of a block.
const BLOCK: u32 = 1 << 31;
/// Bits of a block's place in its class.
const PLACE_BITS: u32 = 28;
/// Classes of blocks: 4 words times two to the power of the class.
const CLASSES: usize = 5;
/// Numbers a list can hold.
pub(super) const MAX_LIST: usize = (4 << (CLASSES - 1)) - 1;
/// Set in the first word of a block where there was more than is kept.
const MORE: u32 = 1 << 31;

#[derive(Clone, Debug, Default)]
struct Class {
    words: Paged<u32>,
    free: Vec<u32>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Lists {
    classes: [Class; CLASSES],
}

/// Whether it names a list of one number, which is the name itself.
pub(super) fn is_single(name: u32) -> bool {
    name & BLOCK == 0
}

fn place(name: u32) -> (usize, usize) {
    let class = ((name & !BLOCK) >> PLACE_BITS) as usize;
    (class, (name & ((1 << PLACE_BITS) - 1)) as usize)
}

impl Lists {
    /// The numbers of a list.
    pub(super) fn get<'l>(&'l self, name: &'l u32) -> &'l [u32] {
        match *name {
            NONE => &[],
            name if name & BLOCK != 0 => {
                let (header, rest) = self.block(name).split_first().unwrap_or((&0, &[]));
                rest.get(..(header & !MORE) as usize).unwrap_or_default()
            }
            _ => std::slice::from_ref(name),
        }
    }

    /// The numbers of a list that has a block; none of others.
    pub(super) fn block_mut(&mut self, name: u32) -> &mut [u32] {
        if name == NONE || is_single(name) {
            return &mut [];
        }
        let (class, at) = place(name);
        let words = 4 << class;
        let Some(found) = self.classes.get_mut(class) else { return &mut [] };
        let Some((header, rest)) = found.words.block_mut(at * words, words).split_first_mut() else { return &mut [] };
        rest.get_mut(..(*header & !MORE) as usize).unwrap_or_default()
    }

    /// Whether there was more than is kept.
    pub(super) fn more(&self, name: u32) -> bool {
        name != NONE && name & BLOCK != 0 && self.block(name).first().is_some_and(|header| header & MORE != 0)
    }

    fn block(&self, name: u32) -> &[u32] {
        let (class, at) = place(name);
        let words = 4 << class;
        self.classes.get(class).map(|class| class.words.block(at * words, words)).unwrap_or_default()
    }

    /// Puts `values`, at most [`MAX_LIST`], in the place of what `name` named. A single value is below 2^31.
    pub(super) fn set(&mut self, name: &mut u32, values: &[u32], more: bool) {
        let class = match values {
            [] if !more => None,
            [single] if !more && single & BLOCK == 0 => {
                self.release(*name);
                *name = *single;
                return;
            }
            _ => Some((0..CLASSES).find(|class| values.len() < 4 << class).unwrap_or(CLASSES - 1)),
        };
        let Some(class) = class else {
            self.release(*name);
            *name = NONE;
            return;
        };
        if *name == NONE || *name & BLOCK == 0 || place(*name).0 != class {
            self.release(*name);
            *name = self.take(class);
        }
        let (class, at) = place(*name);
        let words = 4 << class;
        let Some(found) = self.classes.get_mut(class) else { return };
        let mut block = found.words.block_mut(at * words, words).iter_mut();
        let header = (values.len() as u32) | if more { MORE } else { 0 };
        for (word, value) in block.by_ref().zip(std::iter::once(&header).chain(values)) {
            *word = *value;
        }
    }

    fn take(&mut self, class: usize) -> u32 {
        let Some(found) = self.classes.get_mut(class) else { return NONE };
        let words = 4 << class;
        let at = found.free.pop().unwrap_or_else(|| {
            let at = found.words.len() / words;
            found.words.push_block(0, words);
            at as u32
        });
        BLOCK | ((class as u32) << PLACE_BITS) | at
    }

    fn release(&mut self, name: u32) {
        if name != NONE && name & BLOCK != 0 {
            let (class, at) = place(name);
            if let Some(found) = self.classes.get_mut(class) {
                found.free.push(at as u32);
            }
        }
    }

    /// Puts a value into a set of at most `cap` values, ascending by `rank`: of more values those with the smallest
    /// ranks stay. What stays, and whether there was more, does not depend on the order of insertion.
    pub(super) fn sample<R: Ord>(&mut self, name: &mut u32, value: u32, cap: usize, rank: impl Fn(u32) -> R) {
        if *name == NONE {
            self.set(name, &[value], false);
            return;
        }
        let held = self.get(name);
        if held.contains(&value) {
            return;
        }
        let mine = rank(value);
        let at = held.partition_point(|other| rank(*other) < mine);
        let more = self.more(*name);
        let mut values = [0u32; MAX_LIST + 1];
        let length = held.len().min(MAX_LIST);
        if at >= cap {
            if more {
                return;
            }
            copy(&mut values, held.iter().take(length).copied());
            self.set(name, values.get(..length).unwrap_or_default(), true);
            return;
        }
        let before = held.iter().take(at).copied();
        copy(&mut values, before.chain(std::iter::once(value)).chain(held.iter().skip(at).copied()));
        let (kept, more) = if length + 1 > cap { (cap, true) } else { (length + 1, more) };
        self.set(name, values.get(..kept).unwrap_or_default(), more);
    }

    /// Marks a set as one that had more.
    pub(super) fn mark_more(&mut self, name: &mut u32) {
        if !self.more(*name) {
            let held = self.get(name).to_vec();
            self.set(name, &held, true);
        }
    }
}

fn copy(to: &mut [u32], from: impl Iterator<Item = u32>) {
    for (word, value) in to.iter_mut().zip(from) {
        *word = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_keeps_the_smallest_whatever_the_order() {
        for cap in [1, 3, 7, 31, 63] {
            for total in [cap - 1, cap, cap + 1, 3 * cap] {
                let mut ways = Vec::new();
                for step in [1, 7, 11] {
                    let (mut lists, mut name) = (Lists::default(), NONE);
                    // Steps without a common divisor with 1009 visit all numbers.
                    let order = (0..1009).map(|n| n * step % 1009).filter(|n| *n < total);
                    for n in order.clone().chain(order) {
                        lists.sample(&mut name, n as u32, cap, |v| v);
                    }
                    ways.push((lists.get(&name).to_vec(), lists.more(name)));
                }
                let kept: Vec<u32> = (0..cap.min(total) as u32).collect();
                assert!(ways.iter().all(|way| *way == (kept.clone(), total > cap)), "{cap} {total} {ways:?}");
            }
        }
    }

    #[test]
    fn blocks_are_used_again() {
        let mut lists = Lists::default();
        let (mut one, mut other) = (NONE, NONE);
        lists.set(&mut one, &[1, 2, 3], false);
        let first = one;
        lists.set(&mut one, &[9], false);
        lists.set(&mut other, &[4, 5], true);
        assert_eq!(
            (other, lists.get(&one), lists.get(&other), lists.more(other)),
            (first, &[9][..], &[4, 5][..], true)
        );
        lists.set(&mut other, &[], false);
        assert_eq!((other, lists.get(&other)), (NONE, &[][..]));
    }
}
