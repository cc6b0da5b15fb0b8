//! Listed names: a name and its parents, the most specific first, each unless something excuses it.

use event::{Context, Kind};
use packet::Flow;
use trails::excuse::excuse;
use trails::{Hit, Label, LabelId};

use super::{Found, Match};
use crate::finding::{Occasion, observe};
use crate::lookup::Lookup;

/// A listed part of a name.
struct Part<'s> {
    start: usize,
    end: usize,
    label: Label<'s>,
}

/// Looks up `name` (lower case, no trailing dot) and adds a finding if it, a parent of it, or a pattern that covers
/// it is listed. Returns whether.
pub(super) fn look_up<L: Lookup>(
    store: &L,
    found: &mut Found,
    flow: &Flow,
    name: &[u8],
    occasion: Occasion,
    context: impl FnOnce() -> Context,
) -> bool {
    if name.is_empty() {
        return false;
    }
    let Some(part) = listed(store, name) else { return false };
    let (before, rest) = name.split_at_checked(part.start).unwrap_or((name, &[]));
    let (matched, after) = rest.split_at_checked(part.end - part.start).unwrap_or((rest, &[]));
    let observed = observe(&[(before, false), (matched, true), (after, false)]);
    let indicator = String::from_utf8_lossy(matched).into_owned();
    found.push(*flow, Match { kind: Kind::Dns, observed, indicator, label: part.label, occasion, context: context() });
    true
}

fn listed<'s, L: Lookup>(store: &'s L, name: &[u8]) -> Option<Part<'s>> {
    if let Some(part) = walk(store, name) {
        return Some(part);
    }
    // A gateway into Tor: `x.onion.gateway` asks for `x.onion`.
    if let Some(dot) = gateway(name)
        && let Some(hidden) = name.get(..dot + 6)
        && let Some(part) = walk(store, hidden)
    {
        return Some(part);
    }
    let label = store.label(store.pattern(name)?);
    admits(&label, name, 0).then_some(Part { start: 0, end: name.len(), label })
}

/// Where `.onion.` stands in a name, with something behind it.
#[inline]
fn gateway(name: &[u8]) -> Option<usize> {
    const ONION: u64 = u64::from_le_bytes(*b".onion.\0");
    // Seven of eight bytes as one number: every name passes here.
    name.array_windows::<8>().position(|window| u64::from_le_bytes(*window) << 8 == ONION << 8)
}

#[inline]
fn walk<'s, L: Lookup>(store: &'s L, name: &[u8]) -> Option<Part<'s>> {
    if store.may_hold_name(name) { probable(store, name) } else { None }
}

/// The same where it may be listed. Nearly all names end before.
#[cold]
fn probable<'s, L: Lookup>(store: &'s L, name: &[u8]) -> Option<Part<'s>> {
    let mut hits = [Hit { start: 0, label: LabelId(0) }; 8];
    let count = store.name(name, &mut hits);
    hits.iter().take(count).find_map(|hit| {
        let label = store.label(hit.label);
        admits(&label, name, hit.start).then_some(Part { start: hit.start, end: name.len(), label })
    })
}

fn admits(label: &Label<'_>, name: &[u8], start: usize) -> bool {
    excuse(label, name, start).is_none()
}
