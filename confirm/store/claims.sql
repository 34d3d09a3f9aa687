-- The third migration: what keeps two changes from writing the same scan, and one proposal from being made twice.

-- The keys of what a change in execution or of unknown outcome writes. A row counts only while its change is in one of
-- these states.
CREATE TABLE claim (
  target    TEXT NOT NULL,
  key       TEXT NOT NULL,
  change_id TEXT NOT NULL,
  PRIMARY KEY (target, key)
);
CREATE INDEX claim_change ON claim (change_id);

-- What a requester asks for in an open change. A row counts only while its change is open.
CREATE TABLE open_proposal (
  requester   TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  change_id   TEXT NOT NULL,
  PRIMARY KEY (requester, fingerprint)
);
CREATE INDEX open_proposal_change ON open_proposal (change_id);

-- The live state that was read directly before a change was sent.
CREATE TABLE baseline (change_id TEXT PRIMARY KEY, live TEXT NOT NULL);
