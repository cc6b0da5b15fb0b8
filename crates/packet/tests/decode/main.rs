//! Decoding from the outside: frames in, packets out.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // a failed test is what they are for

mod build;
mod fragments;
mod headers;
mod properties;
mod wrappers;
