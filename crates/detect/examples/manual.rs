//! Writes docs/detectors.md to standard output.

use std::io::{self, Write};

use detect::detectors::manual::{Figures, page};

fn main() -> io::Result<()> {
    let figures = Figures::of(include_str!("../corpus/attacks.txt"), include_str!("../corpus/harmless.txt"));
    io::stdout().write_all(page(figures).as_bytes())
}
