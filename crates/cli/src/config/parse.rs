//! The text of `maltrail.conf` into entries with line numbers. Knows the form of lines, not the keys.
//!
//! `KEY value`, `#` comments to the end of the line (not inside a value in quotes), `[Section]` headings without
//! meaning, and blocks: a key alone on its line with indented entries below it.

/// What a key was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Raw {
    /// A value on the key's line, without quotes around it.
    Scalar(String),
    /// Indented lines below the key; none if the key stands alone.
    Block(Vec<(usize, String)>),
}

/// A key and what it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Line of the key, from 1.
    pub(crate) line: usize,
    /// Upper case.
    pub(crate) key: String,
    /// Its value.
    pub(crate) raw: Raw,
}

/// A line that has no meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadLine {
    /// From 1.
    pub(crate) line: usize,
    /// What is wrong and what to do.
    pub(crate) what: String,
}

/// Reads a file's text.
pub(crate) fn parse(text: &str) -> (Vec<Entry>, Vec<BadLine>) {
    let mut entries: Vec<Entry> = Vec::new();
    let mut bad = Vec::new();
    let mut in_block = false;
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate().map(|(n, line)| (n + 1, line)) {
        let indented = line.starts_with([' ', '\t']);
        let content = without_comment(line);
        if content.is_empty() {
            continue;
        }
        if indented
            && in_block
            && let Some(Entry { raw: Raw::Block(lines), .. }) = entries.last_mut()
        {
            lines.push((number, content.to_string()));
            continue;
        }
        if content.starts_with('[') && content.ends_with(']') {
            in_block = false;
            continue;
        }
        let (key, value) = content.split_once([' ', '\t']).unwrap_or((content, ""));
        if !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            bad.push(BadLine { line: number, what: complaint(content, in_block) });
            continue;
        }
        let raw =
            if value.is_empty() { Raw::Block(Vec::new()) } else { Raw::Scalar(unquoted(value.trim()).to_string()) };
        in_block = matches!(raw, Raw::Block(_));
        entries.push(Entry { line: number, key: key.to_ascii_uppercase(), raw });
    }
    (entries, bad)
}

fn complaint(content: &str, in_block: bool) -> String {
    let shown: String = content.chars().take(60).collect();
    let hint = if content.split_whitespace().next().is_some_and(|word| word.contains('=')) {
        "write the key, a space and the value, without '='"
    } else if in_block {
        "entries of a block begin with a space"
    } else {
        "expected a key, a space and a value"
    };
    format!("'{}' is no setting: {hint}", shown.escape_debug())
}

/// The line without its comment and without white space around it. A `#` inside a value in quotes is none.
fn without_comment(line: &str) -> &str {
    let trimmed = line.trim();
    let value = trimmed.split_once([' ', '\t']).map_or("", |(_, value)| value.trim_start());
    let quoted = value.chars().next().filter(|quote| matches!(quote, '"' | '\''));
    if let Some(quote) = quoted
        && let Some(close) = value.get(1..).and_then(|rest| rest.find(quote))
    {
        let start = trimmed.len() - value.len();
        let end = start + 1 + close + 1;
        let (before, after) = trimmed.split_at_checked(end).unwrap_or((trimmed, ""));
        if after.trim_start().is_empty() || after.trim_start().starts_with('#') {
            return before;
        }
    }
    trimmed.split_once('#').map_or(trimmed, |(before, _)| before.trim_end())
}

fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return inner;
        }
    }
    value
}

/// The value as it is written after its key, in quotes where it would not be read back as it is.
pub(crate) fn quoted(value: &str) -> String {
    let plain = !value.contains('#') && value.trim() == value && unquoted(value) == value;
    if plain {
        value.to_string()
    } else if value.contains('"') {
        format!("'{value}'")
    } else {
        format!("\"{value}\"")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scalar(line: usize, key: &str, value: &str) -> Entry {
        Entry { line, key: key.to_string(), raw: Raw::Scalar(value.to_string()) }
    }

    #[test]
    fn lines() {
        let text = "\u{feff}# comment\n[Sensor]\nmonitor_interface eth0,eth1   # two\nSENSOR_NAME 'my box'\r\n\nUSERS\n    \
                    admin:hash:0:      # change\n# in between\n\tbob:hash:1000:10.0.0.0/8\nHTTP_PORT\t8338\n  SITE hq\nX \"a#b\" # c\nY 'open # c\n";
        let (entries, bad) = parse(text);
        assert_eq!(bad, []);
        let users = Raw::Block(vec![(7, "admin:hash:0:".into()), (9, "bob:hash:1000:10.0.0.0/8".into())]);
        assert_eq!(
            entries,
            [
                scalar(3, "MONITOR_INTERFACE", "eth0,eth1"),
                scalar(4, "SENSOR_NAME", "my box"),
                Entry { line: 6, key: "USERS".into(), raw: users },
                scalar(10, "HTTP_PORT", "8338"),
                scalar(11, "SITE", "hq"),
                scalar(12, "X", "a#b"),
                scalar(13, "Y", "'open"),
            ]
        );
    }

    #[test]
    fn lines_that_are_none_are_named() {
        let (entries, bad) = parse("HTTP_PORT=8338\nUSERS\nadmin:hash:0:\n?! x\n");
        assert_eq!(entries.len(), 1);
        let whats: Vec<_> = bad.iter().map(|bad| (bad.line, bad.what.as_str())).collect();
        assert!(whats[0].0 == 1 && whats[0].1.contains("without '='"), "{whats:?}");
        assert!(whats[1].0 == 3 && whats[1].1.contains("begin with a space"), "{whats:?}");
        assert_eq!(whats[2].0, 4);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(?s).{0,400}") {
            let (entries, bad) = parse(&text);
            prop_assert!(entries.len() + bad.len() <= text.lines().count());
        }

        #[test]
        fn a_written_value_is_read_back(value in r"[a-z0-9#'$/:. _-]{0,30}") {
            prop_assume!(!value.trim().is_empty());
            let (entries, _) = parse(&format!("KEY {}", quoted(&value)));
            prop_assert_eq!(&entries, &[scalar(1, "KEY", &value)]);
        }
    }
}
