-- Times are microseconds since 1970 (UTC). Tokens are kept as SHA-256 of themselves only.
CREATE TABLE accounts (
    name        TEXT PRIMARY KEY,
    hash        TEXT NOT NULL,              -- Argon2id (PHC) or SHA-256 (hex)
    uid         INTEGER NOT NULL,           -- below 1000: administrator
    netfilter   TEXT NOT NULL DEFAULT '',
    must_change INTEGER NOT NULL DEFAULT 0, -- the password was given by somebody else
    removed     INTEGER NOT NULL DEFAULT 0, -- kept so that the configuration file does not bring it back
    changed     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    token   BLOB PRIMARY KEY,
    account TEXT NOT NULL,
    created INTEGER NOT NULL,
    used    INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    address TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_account ON sessions (account);

CREATE TABLE tokens (
    id      INTEGER PRIMARY KEY,
    token   BLOB NOT NULL UNIQUE,
    account TEXT NOT NULL,                  -- whose rights it has; of a sensor: who made it
    purpose TEXT NOT NULL,                  -- api, sensor
    label   TEXT NOT NULL,
    created INTEGER NOT NULL,
    used    INTEGER,
    expires INTEGER
) STRICT;
CREATE INDEX tokens_by_account ON tokens (account);

CREATE TABLE triage (
    threat   TEXT PRIMARY KEY,
    status   TEXT NOT NULL,
    assignee TEXT NOT NULL,
    tags     TEXT NOT NULL,                 -- JSON list, sorted
    version  INTEGER NOT NULL,
    changed  INTEGER NOT NULL,
    author   TEXT NOT NULL,
    seen_by  TEXT NOT NULL                  -- JSON list of addresses: whose scope holds one of them may see it
) STRICT, WITHOUT ROWID;
CREATE INDEX triage_by_change ON triage (changed);

CREATE TABLE triage_history (
    id      INTEGER PRIMARY KEY,
    threat  TEXT NOT NULL,
    time    INTEGER NOT NULL,
    author  TEXT NOT NULL,
    field   TEXT NOT NULL,
    before  TEXT NOT NULL,
    after   TEXT NOT NULL
) STRICT;
CREATE INDEX triage_history_by_threat ON triage_history (threat, id);

CREATE TABLE notes (
    id      INTEGER PRIMARY KEY,
    threat  TEXT NOT NULL REFERENCES triage (threat) ON DELETE CASCADE,
    time    INTEGER NOT NULL,
    author  TEXT NOT NULL,
    text    TEXT NOT NULL
) STRICT;
CREATE INDEX notes_by_threat ON notes (threat, id);

CREATE TABLE views (
    id      INTEGER PRIMARY KEY,
    owner   TEXT NOT NULL,
    name    TEXT NOT NULL,
    query   TEXT NOT NULL,
    shared  INTEGER NOT NULL,
    version INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    UNIQUE (owner, name)
) STRICT;

CREATE TABLE rules (
    id      INTEGER PRIMARY KEY,
    rule    TEXT NOT NULL,
    comment TEXT NOT NULL,
    author  TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    expires INTEGER,
    version INTEGER NOT NULL,
    changed INTEGER NOT NULL
) STRICT;

CREATE TABLE audit (
    id      INTEGER PRIMARY KEY,
    time    INTEGER NOT NULL,
    who     TEXT NOT NULL,
    address TEXT NOT NULL,
    action  TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail  TEXT NOT NULL
) STRICT;
