//! What people make: accounts, sessions, triage, notes, views, rules, audit. SQLite.
