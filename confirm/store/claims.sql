-- The third migration: what keeps two changes from writing the same scan, and one proposal from being made twice.

-- The keys of what a change writes, from its claim until its outcome is known.
CREATE TABLE claim (
  target    TEXT NOT NULL,
  key       TEXT NOT NULL,
  change_id TEXT NOT NULL,
  PRIMARY KEY (target, key)
);
CREATE INDEX claim_change ON claim (change_id);

-- What a requester asks for. Two open changes of one requester differ in it.
ALTER TABLE change ADD COLUMN fingerprint TEXT NOT NULL DEFAULT '';
CREATE INDEX change_fingerprint ON change (requester, fingerprint) WHERE settled = 0;

-- The live state that was read directly before a change was sent.
CREATE TABLE baseline (change_id TEXT PRIMARY KEY, live TEXT NOT NULL);
