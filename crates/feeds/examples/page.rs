//! Writes docs/feeds.md to standard output.

use std::io::{self, Write};

fn main() -> io::Result<()> {
    let page = feeds::Catalogue::load(None).and_then(|catalogue| feeds::page::page(&catalogue));
    io::stdout().write_all(page.map_err(io::Error::other)?.as_bytes())
}
