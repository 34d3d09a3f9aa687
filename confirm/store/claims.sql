-- The third migration: what keeps two changes from writing the same scan, and one proposal from being made twice.

-- kind 'scan': the keys of what a change writes. A row counts while its change is executing or of unknown outcome.
-- kind 'proposal': what a requester asks for. A row counts while its change is open.
CREATE TABLE claim (
  target    TEXT NOT NULL,
  kind      TEXT NOT NULL,
  key       TEXT NOT NULL,
  change_id TEXT NOT NULL,
  PRIMARY KEY (target, kind, key)
);
CREATE INDEX claim_change ON claim (change_id);

-- The live state that was read directly before a change was sent.
CREATE TABLE baseline (change_id TEXT PRIMARY KEY, live TEXT NOT NULL);
