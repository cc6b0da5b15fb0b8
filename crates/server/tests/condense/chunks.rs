use proptest::prelude::*;
use server::condense::chunk::{self, ChunkError, FIRST_SLICE_ROWS, SLICE_ROWS};
use server::condense::{Fold, MAX_TEXT_BYTES, Ranked};

use super::*;

/// The bytes of a slice as if it were whole: but for the flag and the length of sets they are alike.
fn as_whole(mut slice: Vec<u8>) -> Vec<u8> {
    slice[6] |= 1;
    slice
}

/// Threats with what slices tell in full.
fn plain(fold: &Fold) -> Vec<String> {
    let mut rows: Vec<String> = fold
        .threats()
        .map(|t| {
            let key =
                format!("{} {:?} {} {:?} {} {:?}", t.id(), t.site(), t.source(), t.kind(), t.indicator(), t.label());
            let seen = format!("{:?} {} {:?} {} {}", t.shown(), t.protocol(), t.directions(), t.count(), t.lines());
            format!("{key} {seen} {} {} {:?}", t.first(), t.last(), t.activity())
        })
        .collect();
    rows.sort();
    rows
}

#[test]
fn slices_take_all_ranks_once() {
    for rows in [0, 1, FIRST_SLICE_ROWS - 1, FIRST_SLICE_ROWS, FIRST_SLICE_ROWS + 1, 3 * SLICE_ROWS] {
        let slices = chunk::slices(rows);
        let ranks: usize = slices.iter().map(|slice| slice.len()).sum();
        assert_eq!(ranks, rows);
        assert!(slices.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert!(slices.iter().all(|slice| !slice.is_empty() && slice.len() <= SLICE_ROWS));
    }
}

#[test]
fn what_matters_most_comes_first() {
    let low = Event { severity: Severity::Low, indicator: "low.example".into(), count: 900, ..event() };
    let twice = Event { indicator: "twice.example".into(), count: 2, ..event() };
    let inbound = Event {
        src: vec!["203.0.113.9".parse().unwrap()],
        dst: vec!["10.0.0.5".parse().unwrap()],
        kind: Kind::Ip,
        count: 9,
        ..event()
    };
    let fold = folded(&[low, inbound, event(), twice]);
    let ranked = Ranked::new(&fold);
    let order: Vec<(&str, u64)> = ranked.threats().map(|threat| (threat.indicator(), threat.count())).collect();
    assert_eq!(order, [("twice.example", 2), ("evil.example", 1), ("evil.example", 9), ("low.example", 900)]);
}

#[test]
fn an_empty_fold_is_a_chunk() {
    let empty = chunk::decode(&chunk::encode_whole(&Ranked::new(&Fold::new(window())))).unwrap();
    assert_eq!((empty.len(), empty.window()), (0, window()));
}

#[test]
fn ids_that_cannot_be_worked_out_are_told() {
    let long = Event { indicator: "x".repeat(MAX_TEXT_BYTES + 1), ..event() };
    let fold = folded(&[event(), long]);
    assert_eq!(picture(&chunk::decode(&chunk::encode_whole(&Ranked::new(&fold))).unwrap()), picture(&fold));
}

#[test]
fn a_full_fold_stays_full() {
    let mut fold = Fold::with_capacity(window(), 20);
    let more = |fold: &mut Fold, numbers: std::ops::Range<u32>| {
        for n in numbers {
            fold.add(&Event { indicator: format!("n{n}.example"), ..event() });
        }
    };
    more(&mut fold, 0..40);
    let read = chunk::decode(&chunk::encode_whole(&Ranked::new(&fold))).unwrap();
    assert_eq!(picture(&read), picture(&fold));
    let mut merged = Fold::with_capacity(window(), 20);
    merged.merge(&read).unwrap();
    more(&mut merged, 40..60);
    more(&mut fold, 40..60);
    assert_eq!(picture(&merged), picture(&fold));
}

#[test]
fn what_is_no_chunk_is_told_apart() {
    let fold = folded(&[event()]);
    let whole = chunk::encode_whole(&Ranked::new(&fold));
    let slice = chunk::encode_slice(&Ranked::new(&fold), 0..1);
    let error = |bytes: &[u8]| chunk::decode(bytes).map(|_| ()).unwrap_err();
    assert_eq!(error(b""), ChunkError::Magic);
    assert_eq!(error(&whole[..39]), ChunkError::Magic);
    assert_eq!(error(&slice), ChunkError::Slice);
    let mut newer = whole.clone();
    newer[4] = 2;
    assert_eq!(error(&newer), ChunkError::Version(2));
    assert_eq!(error(&[&whole[..], b"x"].concat()), ChunkError::Length(51));
    for length in 40..whole.len() {
        assert!(chunk::decode(&whole[..length]).is_err(), "{length}");
    }
    assert_eq!(chunk::decompress(b"no zstd"), Err(ChunkError::Compression));
}

proptest! {
    #[test]
    fn a_whole_chunk_gives_back_the_fold(events in prop::collection::vec(events(), 0..200), parts in 1usize..6) {
        let fold = folded(&events);
        let bytes = chunk::encode_whole(&Ranked::new(&fold));
        prop_assert_eq!(&bytes, &chunk::encode_whole(&Ranked::new(&folded(events.iter().rev()))));
        let packed = chunk::compress(&bytes).unwrap();
        let read = chunk::decode(&chunk::decompress(&packed).unwrap()).unwrap();
        prop_assert_eq!(picture(&read), picture(&fold));
        prop_assert_eq!(&bytes, &chunk::encode_whole(&Ranked::new(&read)));
        let mut merged = Fold::new(window());
        for part in 0..parts {
            let part = chunk::encode_whole(&Ranked::new(&folded(events.iter().skip(part).step_by(parts))));
            merged.merge(&chunk::decode(&part).unwrap()).unwrap();
        }
        prop_assert_eq!(&bytes, &chunk::encode_whole(&Ranked::new(&merged)));
    }

    #[test]
    fn slices_hold_every_threat_once(events in prop::collection::vec(events(), 0..200), rows in 1usize..40) {
        let fold = folded(&events);
        let ranked = Ranked::new(&fold);
        let other = folded(events.iter().rev());
        let again = Ranked::new(&other);
        let mut all = Vec::new();
        for start in (0..fold.len()).step_by(rows) {
            let slice = chunk::encode_slice(&ranked, start..start + rows);
            prop_assert_eq!(&slice, &chunk::encode_slice(&again, start..start + rows));
            let read = chunk::decode(&as_whole(slice)).unwrap();
            prop_assert_eq!(read.totals(), fold.totals());
            all.extend(plain(&read));
        }
        all.sort();
        prop_assert_eq!(all, plain(&fold));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), events in prop::collection::vec(events(), 0..8)) {
        let _ = chunk::decode(&bytes);
        let _ = chunk::decompress(&bytes);
        let mut begun = chunk::encode_whole(&Ranked::new(&folded(&events)));
        begun.truncate(40);
        begun.extend(bytes);
        let _ = chunk::decode(&begun);
    }

    #[test]
    fn damage_makes_an_error_or_another_fold(
        events in prop::collection::vec(events(), 1..30), at in any::<prop::sample::Index>(), bit in 0u8..8,
    ) {
        let mut bytes = chunk::encode_whole(&Ranked::new(&folded(&events)));
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(fold) = chunk::decode(&bytes) {
            // What can be read can be written and read again.
            let again = chunk::decode(&chunk::encode_whole(&Ranked::new(&fold))).unwrap();
            prop_assert_eq!(picture(&again), picture(&fold));
        }
    }
}
