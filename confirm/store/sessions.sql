-- The fifth migration: sessions of the pages that were signed out before their end, so that no process accepts a copy of
-- their cookie. id is the SHA-256 of the session's id, until its end in microseconds.
CREATE TABLE ended_session (id TEXT PRIMARY KEY, until BIGINT NOT NULL);
