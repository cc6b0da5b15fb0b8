-- Which set of trails was last looked up in what was seen before (one row), and when.
CREATE TABLE looked_up (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    trails TEXT NOT NULL,
    at     INTEGER NOT NULL
) STRICT;

-- What was found and is not written as an event yet: batches by their names, in the order of these.
CREATE TABLE found (
    batch  TEXT NOT NULL,
    number INTEGER NOT NULL,
    event  TEXT NOT NULL,
    PRIMARY KEY (batch, number)
) STRICT, WITHOUT ROWID;

-- Indicators that are no trails any more and had been touched before: until then they were told when they were.
CREATE TABLE gone (
    indicator TEXT PRIMARY KEY,
    at        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX gone_by_time ON gone (at);
