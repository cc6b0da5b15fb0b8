//! Zip archives of one file, as which some makers hand out their lists. Anything else is read as it is.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::DeflateDecoder;

/// Most bytes of an archive, unpacked.
const MAX_UNPACKED: u64 = 512 << 20;

/// Header of a file in an archive (APPNOTE 4.3.7).
const LOCAL_HEADER: [u8; 4] = *b"PK\x03\x04";

/// What a body holds.
///
/// # Errors
/// Reading failed, or it is an archive of another kind.
pub(super) fn unpacked<'b>(body: &'b mut dyn BufRead) -> io::Result<Box<dyn BufRead + 'b>> {
    let zip = body.fill_buf()?.starts_with(&LOCAL_HEADER);
    if !zip {
        return Ok(Box::new(body));
    }
    let mut header = [0; 30];
    body.read_exact(&mut header)?;
    let number = |at: usize| u16::from_le_bytes([*header.get(at).unwrap_or(&0), *header.get(at + 1).unwrap_or(&0)]);
    let (flags, method) = (number(6), number(8));
    if flags & 1 != 0 || method != 8 {
        return Err(io::Error::other("a zip archive that is encrypted or not packed by deflate"));
    }
    // The name of the file and an extra field.
    io::copy(&mut (&mut *body).take(u64::from(number(26)) + u64::from(number(28))), &mut io::sink())?;
    let limited = Limited { body: DeflateDecoder::new(body), left: MAX_UNPACKED };
    Ok(Box::new(BufReader::with_capacity(64 * 1024, limited)))
}

/// A stream that fails behind so many bytes, rather than end as if it were whole.
struct Limited<R> {
    body: R,
    left: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.body.read(buffer)?;
        self.left = self
            .left
            .checked_sub(count as u64)
            .ok_or_else(|| io::Error::other(format!("more than {MAX_UNPACKED} bytes, unpacked")))?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::DeflateEncoder;

    use super::*;

    fn text(mut body: &[u8]) -> io::Result<String> {
        let mut text = String::new();
        unpacked(&mut body)?.read_to_string(&mut text)?;
        Ok(text)
    }

    fn zip(method: u8, flags: u8, body: &[u8]) -> Vec<u8> {
        let mut packed = DeflateEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(body).unwrap();
        let head = [20, 0, flags, 0, method, 0];
        let header = [LOCAL_HEADER.as_slice(), &head, &[0; 16], &[5, 0, 2, 0], b"a.csv", &[0, 0]];
        [header.concat(), packed.finish().unwrap(), b"PK\x01\x02".to_vec()].concat()
    }

    #[test]
    fn archives_and_what_is_none() {
        let whole = zip(8, 8, b"evil.example\n");
        assert_eq!(text(&whole).unwrap(), "evil.example\n");
        assert!(text(&whole[..40]).is_err() && text(&whole[..20]).is_err(), "cut off");
        assert!(text(&zip(8, 1, b"x")).is_err(), "encrypted");
        assert!(text(&zip(12, 0, b"x")).is_err(), "another method");
        assert_eq!(text(b"PK plain").unwrap(), "PK plain");
        assert_eq!(text(b"").unwrap(), "");
    }

    #[test]
    fn an_archive_has_a_limit() {
        for (left, fails) in [(9, true), (10, false), (11, false)] {
            let mut limited = Limited { body: &[0; 10][..], left };
            assert_eq!(limited.read_to_end(&mut Vec::new()).is_err(), fails, "{left}");
        }
    }
}
