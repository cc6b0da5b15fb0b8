//! Generated traffic: [`classes`] for measuring, a [`day`] for showing.
//!
//! Names and addresses that stand for something hostile are reserved for documentation (example.com, .net
//! and .org of RFC 2606; 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24 of RFC 5737; 2001:db8::/32 of
//! RFC 3849), so nobody's property is called hostile and nothing leads anywhere when followed.

pub mod classes;
pub mod day;
mod pools;

pub use pools::Pools;
