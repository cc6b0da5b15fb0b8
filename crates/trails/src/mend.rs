//! Makes changed stores look whole again, as whoever means harm would: so that tests and fuzzing get behind the
//! checksums, to what has to hold where these are right. Nothing else uses it.

use std::ops::Range;

use crate::format::{self, put, word};
use crate::hash::Checksum;
use crate::store::header_checksum;

/// Bytes of the header in which a store's sections and counts stand.
#[must_use]
pub fn header() -> Range<usize> {
    word::GENERATION * 8..format::HEADER_WORDS * 8
}

/// Where the sections lie that lie within the file, by what its table says.
#[must_use]
pub fn sections(bytes: &[u8]) -> Vec<Range<usize>> {
    let section = |number: usize| {
        let at = (word::TABLE + 3 * number) * 8;
        let start = usize::try_from(format::u64_at(bytes, at)?).ok()?;
        let length = usize::try_from(format::u64_at(bytes, at + 8)?).ok()?;
        let range = start..start.checked_add(length)?;
        bytes.get(range.clone()).map(|_| range)
    };
    (0..format::SECTIONS).map(|number| section(number).unwrap_or_default()).collect()
}

/// Corrects what tells a store of this version, its length, and the checksums of its sections and header.
pub fn mend(bytes: &mut [u8]) {
    let length = bytes.len() as u64;
    for (number, range) in sections(bytes).into_iter().enumerate() {
        let sum = Checksum::of(bytes.get(range).unwrap_or_default());
        put(bytes, word::TABLE + 3 * number + 2, sum);
    }
    put(bytes, word::MAGIC, u64::from_le_bytes(format::MAGIC));
    put(bytes, word::VERSION, format::VERSION);
    put(bytes, word::FILE_LENGTH, length);
    if let Some(header) = bytes.get(..format::HEADER_LENGTH) {
        let sum = header_checksum(header);
        put(bytes, word::CHECKSUM, sum);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::rc::Rc;

    use super::*;
    use crate::builder::Place;
    use crate::{Builder, Stamp, Store, Vetoes};

    #[test]
    fn changed_bytes_open_and_verify_once_mended() {
        let mut builder = Builder::new(Vetoes::default());
        let source = builder.source("x (malware)", "(static)", false);
        builder.add("evil.org", source, Place { file: &Rc::from("x"), line: 1 });
        let mut bytes = builder.finish(Cursor::new(Vec::new()), Stamp::default()).unwrap().0.into_inner();
        let whole = bytes.clone();
        mend(&mut bytes);
        assert_eq!(bytes, whole, "what is whole stays");
        let section = sections(&bytes).into_iter().find(|range| !range.is_empty()).unwrap();
        bytes[section.start] ^= 1;
        assert!(Store::from_bytes(bytes.clone()).unwrap().verify().is_err());
        bytes[header().start] ^= 1;
        bytes[0] ^= 1;
        bytes.push(0);
        assert!(Store::from_bytes(bytes.clone()).is_err());
        mend(&mut bytes);
        Store::from_bytes(bytes).unwrap().verify().unwrap();
        for length in 0..whole.len() {
            let mut cut = whole[..length].to_vec();
            mend(&mut cut);
            if let Ok(store) = Store::from_bytes(&cut) {
                store.verify().unwrap();
            }
        }
    }
}
