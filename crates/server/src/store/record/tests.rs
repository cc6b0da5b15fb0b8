//! The record under everything that may come to it.

mod append;
mod follow;
mod kill;
mod observed;
mod sink;
