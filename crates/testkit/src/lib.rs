//! For tests: packets from words, traffic of a day, the case runner, fault injection.
