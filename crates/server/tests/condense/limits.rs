use proptest::prelude::*;
use server::condense::{Fold, MAX_TEXT_BYTES};

use super::*;

/// An event of its own threat.
fn distinct(n: u32) -> Event {
    let src = if n.is_multiple_of(3) { IpAddr::from([10, 1, 2, 3]) } else { IpAddr::from([203, 0, 113, 7]) };
    Event { src: vec![src], indicator: format!("n{n}.example"), ..event() }
}

fn limited(order: impl Iterator<Item = u32>, capacity: usize) -> Fold {
    let mut fold = Fold::with_capacity(window(), capacity);
    order.for_each(|n| {
        fold.add(&distinct(n));
    });
    fold
}

#[test]
fn a_full_fold_keeps_the_same_threats_whatever_the_order() {
    for (threats, capacity) in [(99, 100), (100, 100), (101, 100), (1009, 100), (1009, 500)] {
        let whole = limited(0..threats, capacity);
        assert_eq!(whole.len(), capacity.min(threats as usize));
        assert_eq!(whole.is_cut(), threats as usize > capacity);
        // Steps without a common divisor with the number of threats visit all.
        let other = limited((0..threats).map(|n| n * 7 % threats), capacity);
        if threats % 7 != 0 {
            assert_eq!(picture(&whole), picture(&other));
        }
        assert_eq!((whole.totals().events(), whole.totals().lines), (u64::from(threats), u64::from(threats)));
        let mut merged = Fold::with_capacity(window(), capacity);
        for part in 0..4 {
            merged.merge(&limited((0..threats).filter(|n| n % 4 == part), capacity)).unwrap();
        }
        assert_eq!(picture(&whole), picture(&merged));
        let local = whole.threats().filter(|threat| threat.source().to_string() == "10.1.2.3").count();
        assert_eq!(local, (threats.div_ceil(3) as usize).min(capacity), "local sources stay first");
    }
}

#[test]
fn texts_are_cut_at_a_character() {
    for (length, kept) in [
        (MAX_TEXT_BYTES - 1, MAX_TEXT_BYTES - 1),
        (MAX_TEXT_BYTES, MAX_TEXT_BYTES),
        (MAX_TEXT_BYTES + 1, MAX_TEXT_BYTES),
    ] {
        let fold = folded(&[Event { indicator: "x".repeat(length), ..event() }]);
        assert_eq!(fold.threats().next().unwrap().indicator().len(), kept);
    }
    let wide =
        Event { indicator: "é".repeat(MAX_TEXT_BYTES), info: format!("x{}", "é".repeat(MAX_TEXT_BYTES)), ..event() };
    let fold = folded(&[wide]);
    let threat = fold.threats().next().unwrap();
    assert_eq!((threat.indicator().len(), threat.label().info.len()), (MAX_TEXT_BYTES, MAX_TEXT_BYTES - 1));
}

#[test]
fn long_indicators_that_begin_alike_stay_apart() {
    let long = |end: &str| Event { indicator: "x".repeat(MAX_TEXT_BYTES) + end, ..event() };
    assert_eq!(folded(&[long("a"), long("b"), long("a")]).len(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn a_small_fold_is_the_same_in_any_order(
        events in prop::collection::vec(events(), 0..150), capacity in 1usize..12, parts in 1usize..5,
    ) {
        let fold = |events: &mut dyn Iterator<Item = &Event>| {
            let mut fold = Fold::with_capacity(window(), capacity);
            events.for_each(|event| { fold.add(event); });
            fold
        };
        let whole = fold(&mut events.iter());
        prop_assert_eq!(picture(&whole), picture(&fold(&mut events.iter().rev())));
        let mut merged = Fold::with_capacity(window(), capacity);
        for part in 0..parts {
            merged.merge(&fold(&mut events.iter().skip(part).step_by(parts))).unwrap();
        }
        prop_assert_eq!(picture(&whole), picture(&merged));
    }
}
