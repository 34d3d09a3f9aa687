-- The tables of the ledger, the same for SQLite and PostgreSQL: TEXT and BIGINT, and nothing else. Times are
-- microseconds since 1970, and what no WHERE looks at is kept as JSON. This is the first shape; ledgers out
-- there have it, so that whatever changes is another step (see schema.go).

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

-- The few changes that are looked for all the time. No index has a column in it that the moves of an open
-- change alter: they rewrite a small row, and nothing else.
CREATE INDEX change_unsettled ON change (created) WHERE settled = 0;

-- What was fixed when the change was proposed, and can be long.
CREATE TABLE proposal (change_id TEXT PRIMARY KEY, proposed TEXT NOT NULL);

-- version is that of the change after the move which recorded the decision.
CREATE TABLE decision (
  change_id TEXT NOT NULL,
  person    TEXT NOT NULL,
  version   BIGINT NOT NULL,
  decision  TEXT NOT NULL,
  PRIMARY KEY (change_id, person)
);

-- Where faces have put a change to people, so that they can rewrite it there.
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

-- A row of the log for each transaction: entry n and those after it, one to a line; on the same lines of
-- hashes, what each of them completes in the tree; and the signed head after the last.
CREATE TABLE audit (
  n          BIGINT PRIMARY KEY,
  lines      TEXT NOT NULL,
  hashes     TEXT NOT NULL,
  checkpoint TEXT NOT NULL
);

-- The lock on the one row of audit_head is what puts appenders in order, and that of budget, takers.
CREATE TABLE audit_head (one BIGINT PRIMARY KEY, n BIGINT NOT NULL, edge TEXT NOT NULL);
INSERT INTO audit_head (one, n, edge) VALUES (1, 0, '');

CREATE TABLE budget (one BIGINT PRIMARY KEY, taken BIGINT NOT NULL, paused BIGINT NOT NULL);
INSERT INTO budget (one, taken, paused) VALUES (1, 0, 0);
CREATE TABLE budget_call (n BIGINT PRIMARY KEY, at BIGINT NOT NULL);
