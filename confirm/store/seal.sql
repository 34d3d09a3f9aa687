-- The fourth migration: what a database writer must not be able to forge or roll back. log_size and log_edge are the
-- audit log before the change was proposed, so that its entries can be replayed without those before. The MACs of
-- proposals and decisions are inside their JSON, so that the audit log has them too.
ALTER TABLE proposal ADD COLUMN log_size BIGINT NOT NULL DEFAULT 0;
ALTER TABLE proposal ADD COLUMN log_edge TEXT NOT NULL DEFAULT '';
ALTER TABLE link ADD COLUMN mac TEXT NOT NULL DEFAULT '';
