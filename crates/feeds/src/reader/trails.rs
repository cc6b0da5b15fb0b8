//! Rows of trail, info, reference: what another server has at /trails, and lists that name their own sources.

use std::io::{self, BufRead};

use super::{MAX_VALUE, Passed, Row};

/// Reads the rows; those with other than three columns are counted.
pub(super) fn read(body: &mut dyn BufRead, sink: &mut dyn FnMut(Row<'_>)) -> io::Result<Passed> {
    let mut passed = Passed::default();
    let mut rows = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(body);
    let mut row = csv::ByteRecord::new();
    while rows.read_byte_record(&mut row)? {
        let line = row.position().map_or(0, csv::Position::line);
        let column = |at: usize| std::str::from_utf8(row.get(at)?).ok();
        if row.as_slice().len() > MAX_VALUE {
            passed.long += 1;
            continue;
        }
        match (column(0), column(1), column(2), row.len()) {
            (Some(text), Some(info), Some(reference), 3) => {
                sink(Row { text, info: Some(info), reference: Some(reference), lists: None, line });
            }
            _ => passed.malformed += 1,
        }
    }
    Ok(passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_columns() {
        let mut rows = Vec::new();
        let body = "evil.org,\"a, b (malware)\",(static)\nno row\n192.0.2.1,x,y\n";
        let passed = read(&mut body.as_bytes(), &mut |row| {
            rows.push((row.line, row.text.to_owned(), row.info.map(str::to_owned), row.reference.map(str::to_owned)));
        });
        assert_eq!(passed.unwrap().malformed, 1);
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            rows,
            [
                (1, "evil.org".into(), some("a, b (malware)"), some("(static)")),
                (3, "192.0.2.1".into(), some("x"), some("y"))
            ]
        );
    }
}
