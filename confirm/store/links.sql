-- The second migration: accounts of one user, linked by proof. An account is linked at most once, on either side.
CREATE TABLE link (
  from_principal TEXT PRIMARY KEY,
  to_principal   TEXT NOT NULL UNIQUE,
  name           TEXT NOT NULL,
  how            TEXT NOT NULL,
  at             BIGINT NOT NULL
);
