package store

// The statements that keep two changes from writing the same scan, and one proposal from being made twice. They run
// under the lock on the head of the log, so that several keys of one change cannot deadlock with those of another.

const (
	// insertClaim claims one key and returns the change that holds it. The claim of a change that is neither executing
	// nor of an outcome that has been unknown for less than the limit no longer counts, and is replaced.
	insertClaim = `INSERT INTO claim (target, key, change_id) VALUES ($1, $2, $3)
		ON CONFLICT (target, key) DO UPDATE SET change_id = CASE
			WHEN EXISTS (SELECT 1 FROM change AS holder WHERE holder.id = claim.change_id
				AND (holder.state = 'executing' OR (holder.state = 'unknown' AND holder.updated > $4)))
			THEN claim.change_id ELSE excluded.change_id END
		RETURNING change_id`

	// claimChange is updateChange for a change that must hold the given number of keys.
	claimChange = guardedUpdate + ` AND (SELECT count(*) FROM claim WHERE change_id = $7) = $14` + returnMoved

	// dropClaims removes the claims of a change whose outcome is known, or that could not claim all its keys.
	dropClaims = `DELETE FROM claim WHERE change_id = $1
		AND NOT EXISTS (SELECT 1 FROM change WHERE id = $1 AND state IN ('executing', 'unknown'))`

	// insertOpen records what a new change asks for, and returns the change that asks for it. That is an earlier one
	// if it is still open.
	insertOpen = `INSERT INTO open_proposal (requester, fingerprint, change_id) VALUES ($1, $2, $3)
		ON CONFLICT (requester, fingerprint) DO UPDATE SET change_id = CASE
			WHEN EXISTS (SELECT 1 FROM change AS earlier WHERE earlier.id = open_proposal.change_id
				AND (earlier.state = 'executing' OR (earlier.state IN ('pending', 'approved') AND earlier.expires > $4)))
			THEN open_proposal.change_id ELSE excluded.change_id END
		RETURNING change_id`

	// insertOnlyOpen is insertChange for a change that must be the one that insertOpen has returned.
	insertOnlyOpen = `INSERT INTO change (id, code, operation, target, digest, requester, via, created, expires,
			state, settled, version, round, outcome, owner, lease, updated)
		SELECT change_id, $2, $3, $4, $5, $6, $7, CAST($8 AS BIGINT), CAST($9 AS BIGINT), $10, CAST($11 AS BIGINT),
			CAST($12 AS BIGINT), CAST($13 AS BIGINT), $14, $15, CAST($16 AS BIGINT), CAST($17 AS BIGINT)
		FROM open_proposal WHERE change_id = $1
		ON CONFLICT DO NOTHING`

	dropOpen = `DELETE FROM open_proposal WHERE change_id = $1
		AND NOT EXISTS (SELECT 1 FROM change WHERE id = $1 AND settled = 0)`

	upsertBaseline = `INSERT INTO baseline (change_id, live) VALUES ($1, $2)
		ON CONFLICT (change_id) DO UPDATE SET live = excluded.live`
)

func claimQueries() []string {
	return []string{insertClaim, claimChange, dropClaims, insertOpen, insertOnlyOpen, dropOpen, upsertBaseline}
}
