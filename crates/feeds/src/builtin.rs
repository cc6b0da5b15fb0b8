//! The feeds that are part of the program: the files of `feeds/`.

/// Names and texts, in the order of the names. A test compares them with the directory.
pub(crate) const FEEDS: &[(&str, &str)] = &[];
