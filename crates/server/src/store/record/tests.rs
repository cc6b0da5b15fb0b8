//! The journal of the server under everything that may come to it.

mod append;
