package store

// The statements that keep two changes from writing the same scan, and one proposal from being made twice. They run
// under the lock on the head of the log, so that several keys of one change cannot deadlock with those of another. A
// row of table claim that does not count (see claims.sql) is replaced by the next claim of its key.

const (
	// insertClaim claims one key and returns the change that holds it. The claim of a change whose outcome has been
	// unknown for longer than the limit does not count.
	insertClaim = `INSERT INTO claim (target, kind, key, change_id) VALUES ($1, 'scan', $2, $3)
		ON CONFLICT (target, kind, key) DO UPDATE SET change_id = CASE
			WHEN EXISTS (SELECT 1 FROM change AS holder WHERE holder.id = claim.change_id
				AND (holder.state = 'executing' OR (holder.state = 'unknown' AND holder.updated > $4)))
			THEN claim.change_id ELSE excluded.change_id END
		RETURNING change_id`

	// claimChange is updateChange for a change that must hold the given number of keys.
	claimChange = guardedUpdate + ` AND (SELECT count(*) FROM claim WHERE change_id = $7 AND kind = 'scan') = $14` + returnMoved

	// insertOpen claims a proposal for a new change, and returns the change that holds it.
	insertOpen = `INSERT INTO claim (target, kind, key, change_id) VALUES ($1, 'proposal', $2, $3)
		ON CONFLICT (target, kind, key) DO UPDATE SET change_id = CASE
			WHEN EXISTS (SELECT 1 FROM change AS earlier WHERE earlier.id = claim.change_id
				AND (earlier.state = 'executing' OR (earlier.state IN ('pending', 'approved') AND earlier.expires > $4)))
			THEN claim.change_id ELSE excluded.change_id END
		RETURNING change_id`

	// insertOnlyOpen is insertChange for a change that must hold its proposal.
	insertOnlyOpen = `INSERT INTO change (id, code, operation, target, digest, requester, via, created, expires,
			state, settled, version, round, outcome, owner, lease, updated)
		SELECT change_id, $2, $3, $4, $5, $6, $7, CAST($8 AS BIGINT), CAST($9 AS BIGINT), $10, CAST($11 AS BIGINT),
			CAST($12 AS BIGINT), CAST($13 AS BIGINT), $14, $15, CAST($16 AS BIGINT), CAST($17 AS BIGINT)
		FROM claim WHERE change_id = $1 AND kind = 'proposal'
		ON CONFLICT DO NOTHING`

	releaseClaims = `DELETE FROM claim WHERE change_id = $1`

	upsertBaseline = `INSERT INTO baseline (change_id, live) VALUES ($1, $2)
		ON CONFLICT (change_id) DO UPDATE SET live = excluded.live`
)

func claimQueries() []string {
	return []string{insertClaim, claimChange, insertOpen, insertOnlyOpen, releaseClaims, upsertBaseline}
}
