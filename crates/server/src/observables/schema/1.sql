-- Times are microseconds since 1970 (UTC). A name is kept by its labels from right to left (`example.evil.www`), so that
-- everything below a name stands together behind it; an address as 4 and its 4 bytes, or 6 and its 16. A host is such
-- an address too, and empty where it is not known.
CREATE TABLE names (
    value BLOB NOT NULL,
    host  BLOB NOT NULL,
    first INTEGER NOT NULL,
    last  INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (value, host)
) STRICT, WITHOUT ROWID;

CREATE TABLE addresses (
    value BLOB NOT NULL,
    host  BLOB NOT NULL,
    first INTEGER NOT NULL,
    last  INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (value, host)
) STRICT, WITHOUT ROWID;

CREATE TABLE pairs (
    value   BLOB NOT NULL, -- the name
    address BLOB NOT NULL,
    host    BLOB NOT NULL,
    first   INTEGER NOT NULL,
    last    INTEGER NOT NULL,
    count   INTEGER NOT NULL,
    PRIMARY KEY (value, address, host)
) STRICT, WITHOUT ROWID;
CREATE INDEX pairs_by_address ON pairs (address, value, host);

-- Up to which byte each file was taken; changed with what was taken of it.
CREATE TABLE sources (
    id   TEXT PRIMARY KEY,
    upto INTEGER NOT NULL,
    seen INTEGER NOT NULL -- when it was last read
) STRICT, WITHOUT ROWID;

-- Batches that were taken, in that order.
CREATE TABLE batches (
    number INTEGER PRIMARY KEY,
    id     TEXT NOT NULL UNIQUE
) STRICT;

-- Rows of each table, so that nobody counts them.
CREATE TABLE totals (
    name TEXT PRIMARY KEY,
    rows INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
