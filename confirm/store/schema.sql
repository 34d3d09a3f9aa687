-- The first migration: the same tables for SQLite and PostgreSQL, with no types but TEXT and BIGINT. Times are
-- microseconds since 1970. What no WHERE uses is stored as JSON. Databases in use have these tables, so every
-- alteration is another migration (see schema.go).

CREATE TABLE change (
  id        TEXT PRIMARY KEY,
  code      TEXT NOT NULL,
  operation TEXT NOT NULL,
  target    TEXT NOT NULL,
  digest    TEXT NOT NULL,
  requester TEXT NOT NULL,
  via       TEXT NOT NULL,
  created   BIGINT NOT NULL,
  expires   BIGINT NOT NULL,
  state     TEXT NOT NULL,
  settled   BIGINT NOT NULL,
  version   BIGINT NOT NULL,
  round     BIGINT NOT NULL,
  outcome   TEXT NOT NULL,
  owner     TEXT NOT NULL,
  lease     BIGINT NOT NULL,
  updated   BIGINT NOT NULL
);

-- The few open changes, which are queried all the time. No index has a column that moves of an open change
-- alter, so that a move rewrites one small row and no index.
CREATE INDEX change_unsettled ON change (created) WHERE settled = 0;

-- The fixed part of a change, which can be long.
CREATE TABLE proposal (change_id TEXT PRIMARY KEY, proposed TEXT NOT NULL);

-- version is that of the change after the move which recorded the decision.
CREATE TABLE decision (
  change_id TEXT NOT NULL,
  person    TEXT NOT NULL,
  version   BIGINT NOT NULL,
  decision  TEXT NOT NULL,
  PRIMARY KEY (change_id, person)
);

-- Messages that show a change, so that channels can update them.
CREATE TABLE notice (
  change_id TEXT NOT NULL,
  channel   TEXT NOT NULL,
  kind      TEXT NOT NULL,
  message   TEXT NOT NULL,
  version   BIGINT NOT NULL,
  reminded  BIGINT NOT NULL,
  PRIMARY KEY (change_id, channel, kind)
);

CREATE TABLE lease (
  name  TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  until BIGINT NOT NULL
);

-- The audit log has a row for each transaction: entry n and the next ones, one on each line. The same lines of
-- hashes hold the tree hashes that each entry completes. checkpoint is the signed head after the last entry.
CREATE TABLE audit (
  n          BIGINT PRIMARY KEY,
  lines      TEXT NOT NULL,
  hashes     TEXT NOT NULL,
  checkpoint TEXT NOT NULL
);

-- The lock on the one row of audit_head serializes appends, and the lock on that of budget serializes rate limiting.
CREATE TABLE audit_head (one BIGINT PRIMARY KEY, n BIGINT NOT NULL, edge TEXT NOT NULL);
INSERT INTO audit_head (one, n, edge) VALUES (1, 0, '');

CREATE TABLE budget (one BIGINT PRIMARY KEY, taken BIGINT NOT NULL, paused BIGINT NOT NULL);
INSERT INTO budget (one, taken, paused) VALUES (1, 0, 0);
CREATE TABLE budget_call (n BIGINT PRIMARY KEY, at BIGINT NOT NULL);
