//! What a misspelt key was probably meant to be.

/// The declared key nearest to `key`, if one is near.
pub(crate) fn nearest<'k>(key: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    // A third of the letters may differ, and two always.
    let allowed = (key.len() / 3).max(2);
    let score = |name: &str| {
        let distance = distance(key, name);
        // A key that holds the other whole (`WHITELIST`, `USER_WHITELIST`) is near whatever their lengths.
        let part = key.len() >= 5 && (name.contains(key) || key.contains(name));
        (distance <= allowed || part).then_some(distance)
    };
    known.filter_map(|name| Some((score(name)?, name))).min().map(|(_, name)| name)
}

/// Letters to change, add, leave out or swap with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    let mut last = None;
    for (row, x) in a.chars().enumerate() {
        let mut current = vec![row + 1];
        for (column, &y) in b.iter().enumerate() {
            let at = |cells: &[usize], index: usize| cells.get(index).copied().unwrap_or(usize::MAX - 1);
            let mut best = (at(&above, column) + usize::from(x != y)).min(at(&above, column + 1) + 1);
            best = best.min(at(&current, column) + 1);
            let swapped = column > 0 && last == Some(y) && b.get(column - 1) == Some(&x);
            if swapped {
                best = best.min(at(&before, column - 1).saturating_add(1));
            }
            current.push(best);
        }
        before = std::mem::replace(&mut above, current);
        last = Some(x);
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::KEYS;

    #[test]
    fn distances() {
        for (a, b, want) in [("", "", 0), ("A", "", 1), ("ABCD", "ACBD", 1), ("KITTEN", "SITTING", 3), ("AB", "AB", 0)]
        {
            assert_eq!(distance(a, b), want, "{a} {b}");
            assert_eq!(distance(b, a), want, "{b} {a}");
        }
    }

    #[test]
    fn misspelt_keys() {
        for (typed, want) in [
            ("CAPTURE_FILTR", Some("CAPTURE_FILTER")),
            ("MONITOR_INTERFACES", Some("MONITOR_INTERFACE")),
            ("LOGDIR", Some("LOG_DIR")),
            ("LOG_DRI", Some("LOG_DIR")),
            ("WHITELIST", Some("USER_WHITELIST")),
            ("USE_HEURISTIC", Some("USE_HEURISTICS")),
            ("PLUGINS", None),
            ("XYZ", None),
        ] {
            assert_eq!(nearest(typed, KEYS.iter().map(|key| key.name)), want, "{typed}");
        }
    }
}
