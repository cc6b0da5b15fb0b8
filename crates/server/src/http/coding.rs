//! Compression of answers: which one a client takes (RFC 9110, 12.5.3), and doing it.

use std::io::{self, Write};

use axum::http::{HeaderMap, HeaderValue, header};
use flate2::write::GzEncoder;

/// How a body is written. In the order in which we like it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coding {
    /// RFC 8878.
    Zstd,
    /// RFC 7932.
    Brotli,
    /// RFC 1952.
    Gzip,
    /// As it is.
    Identity,
}

/// Levels: of what is compressed while someone waits for it.
const ZSTD_LEVEL: i32 = 3;
const BROTLI_QUALITY: u32 = 4;
const BROTLI_WINDOW: u32 = 20;
const GZIP_LEVEL: u32 = 4;

/// Bytes the brotli encoder collects before it works.
const BROTLI_BUFFER: usize = 16 * 1024;

impl Coding {
    /// Those that compress.
    const COMPRESSED: [Coding; 3] = [Coding::Zstd, Coding::Brotli, Coding::Gzip];

    /// The one we like best among those that the client likes best.
    #[must_use]
    pub fn accepted(headers: &HeaderMap) -> Coding {
        Coding::best(headers, &Coding::COMPRESSED)
    }

    /// The first of `among` that the client likes best; none of them, if it takes none.
    #[must_use]
    pub fn best(headers: &HeaderMap, among: &[Coding]) -> Coding {
        let fields = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        let members: Vec<(&str, u16)> = fields.flat_map(|field| field.split(',')).filter_map(member).collect();
        let weight = |coding: Coding| {
            let named = members.iter().find(|(name, _)| coding.is(name));
            named.or_else(|| members.iter().find(|(name, _)| *name == "*")).map_or(0, |(_, weight)| *weight)
        };
        // The first of equals, so not max_by_key, which takes the last.
        let better = |best: Option<Coding>, next: Coding| match best {
            Some(best) if weight(best) >= weight(next) => Some(best),
            _ => Some(next),
        };
        let best = among.iter().copied().filter(|coding| weight(*coding) > 0).fold(None, better);
        best.unwrap_or(Coding::Identity)
    }

    /// Its name in Content-Encoding.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Coding::Zstd => "zstd",
            Coding::Brotli => "br",
            Coding::Gzip => "gzip",
            Coding::Identity => "identity",
        }
    }

    fn is(self, name: &str) -> bool {
        name.eq_ignore_ascii_case(self.name()) || (self == Coding::Gzip && name.eq_ignore_ascii_case("x-gzip"))
    }

    /// Says so in an answer.
    pub fn tell(self, headers: &mut HeaderMap) {
        if self != Coding::Identity {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(self.name()));
        }
    }

    /// Compresses what is written into `to`.
    ///
    /// # Errors
    /// There is no memory for it.
    pub fn encoder<W: Write>(self, to: W) -> io::Result<Encoder<W>> {
        Ok(match self {
            Coding::Identity => Encoder::Identity(to),
            Coding::Gzip => Encoder::Gzip(GzEncoder::new(to, flate2::Compression::new(GZIP_LEVEL))),
            Coding::Zstd => Encoder::Zstd(zstd::stream::write::Encoder::new(to, ZSTD_LEVEL)?),
            Coding::Brotli => Encoder::Brotli(Box::new(brotli::CompressorWriter::new(
                to,
                BROTLI_BUFFER,
                BROTLI_QUALITY,
                BROTLI_WINDOW,
            ))),
        })
    }

    /// Compresses bytes.
    ///
    /// # Errors
    /// There is no memory for it.
    pub fn encode(self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut encoder = self.encoder(Vec::with_capacity(bytes.len() / 3))?;
        encoder.write_all(bytes)?;
        encoder.finish()
    }
}

/// Name and weight in thousandths. A weight that cannot be read is none.
fn member(text: &str) -> Option<(&str, u16)> {
    let mut parts = text.split(';');
    let name = parts.next()?.trim();
    let weight = parts.find_map(|part| part.trim().strip_prefix("q=").map(str::trim));
    let weight = weight.map_or(Some(1.0), |weight| weight.parse::<f32>().ok())?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "held to 0..=1000")]
    let thousandths = (weight * 1000.0).clamp(0.0, 1000.0) as u16;
    Some((name, thousandths))
}

/// Compresses what is written to it.
pub enum Encoder<W: Write> {
    /// Not.
    Identity(W),
    /// gzip.
    Gzip(GzEncoder<W>),
    /// zstd.
    Zstd(zstd::stream::write::Encoder<'static, W>),
    /// brotli.
    Brotli(Box<brotli::CompressorWriter<W>>),
}

impl<W: Write> Encoder<W> {
    /// Writes what is left, and gives back where it was written.
    ///
    /// # Errors
    /// It could not be written.
    pub fn finish(self) -> io::Result<W> {
        match self {
            Encoder::Identity(to) => Ok(to),
            Encoder::Gzip(encoder) => encoder.finish(),
            Encoder::Zstd(encoder) => encoder.finish(),
            // Writing the end cannot be seen to fail here; the writer keeps its own error.
            Encoder::Brotli(encoder) => Ok(encoder.into_inner()),
        }
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Encoder::Identity(to) => to.write(bytes),
            Encoder::Gzip(encoder) => encoder.write(bytes),
            Encoder::Zstd(encoder) => encoder.write(bytes),
            Encoder::Brotli(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Encoder::Identity(to) => to.flush(),
            Encoder::Gzip(encoder) => encoder.flush(),
            Encoder::Zstd(encoder) => encoder.flush(),
            Encoder::Brotli(encoder) => encoder.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use proptest::prelude::*;

    use super::*;

    fn accepted(field: &str) -> &'static str {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_str(field).unwrap());
        Coding::accepted(&headers).name()
    }

    #[test]
    fn what_a_client_takes() {
        assert_eq!(Coding::accepted(&HeaderMap::new()), Coding::Identity);
        assert_eq!(accepted("gzip, deflate, br, zstd"), "zstd");
        assert_eq!(accepted("gzip, deflate, br"), "br");
        assert_eq!(accepted("gzip, deflate"), "gzip");
        assert_eq!(accepted("GZIP"), "gzip");
        assert_eq!(accepted("zstd;q=0.5, gzip;q=0.9"), "gzip");
        assert_eq!(accepted("zstd;q=0, br;q=0.001"), "br");
        assert_eq!(accepted("*"), "zstd");
        assert_eq!(accepted("zstd;q=0, *;q=0.2"), "br");
        assert_eq!(accepted("*;q=0"), "identity");
        assert_eq!(accepted("gzip;q=none"), "identity");
        assert_eq!(accepted("identity, deflate"), "identity");
        assert_eq!(accepted(";;,,q=1,=;"), "identity");
    }

    #[test]
    fn what_is_compressed_can_be_read() {
        let text = "10.0.0.5 evil.example ".repeat(1000);
        for coding in [Coding::Zstd, Coding::Brotli, Coding::Gzip, Coding::Identity] {
            let bytes = coding.encode(text.as_bytes()).unwrap();
            assert!(coding == Coding::Identity || bytes.len() < 1000, "{coding:?}: {}", bytes.len());
            let mut back = String::new();
            match coding {
                Coding::Zstd => zstd::Decoder::new(&bytes[..]).unwrap().read_to_string(&mut back).unwrap(),
                Coding::Brotli => brotli::Decompressor::new(&bytes[..], 4096).read_to_string(&mut back).unwrap(),
                Coding::Gzip => flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut back).unwrap(),
                Coding::Identity => (&bytes[..]).read_to_string(&mut back).unwrap(),
            };
            assert_eq!(back, text);
        }
    }

    proptest! {
        #[test]
        fn any_header_is_understood_or_not(field in "[ -~]{0,40}") {
            accepted(&field);
        }
    }
}
