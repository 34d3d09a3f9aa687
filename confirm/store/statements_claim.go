package store

// The statements that keep two changes from writing the same scan, and one proposal from being made twice. They run
// under the lock on the head of the log, so that several keys of one change cannot deadlock with those of another.

const (
	// selectClaims returns all claims. There are few: one for each scan that a change is executing on, or that a change of
	// unknown outcome may have written.
	selectClaims = `SELECT target, key, change_id FROM claim`

	// insertClaim claims one key, unless another change holds it, and returns the change that holds it. A row counts
	// whatever the row of its change is: it is deleted when the outcome is recorded.
	insertClaim = `INSERT INTO claim (target, key, change_id) VALUES ($1, $2, $3)
		ON CONFLICT (target, key) DO UPDATE SET change_id = claim.change_id RETURNING change_id`

	// deleteClaim deletes a claim of a transaction whose change did not match.
	deleteClaim = `DELETE FROM claim WHERE target = $1 AND key = $2 AND change_id = $3`

	// claimChange is updateChange for a change that must hold the given number of keys.
	claimChange = guardedUpdate + ` AND (SELECT count(*) FROM claim WHERE change_id = $7) = $14` + returnMoved

	releaseClaims = `DELETE FROM claim WHERE change_id = $1`

	// insertNewChange is insertChange for a change that must differ from the open ones of its requester. One whose
	// outcome is unknown is not open.
	insertNewChange = `INSERT INTO change (id, code, operation, target, digest, requester, via, created, expires,
			state, settled, version, round, outcome, owner, lease, updated, fingerprint)
		SELECT $1, $2, $3, $4, $5, $6, $7, CAST($8 AS BIGINT), CAST($9 AS BIGINT), $10, CAST($11 AS BIGINT),
			CAST($12 AS BIGINT), CAST($13 AS BIGINT), $14, $15, CAST($16 AS BIGINT), CAST($17 AS BIGINT), $18
		WHERE NOT EXISTS (SELECT 1 FROM change AS earlier WHERE earlier.settled = 0 AND earlier.requester = $6
			AND earlier.fingerprint = $18 AND ` + stillOpen + `CAST($8 AS BIGINT)))
		ON CONFLICT DO NOTHING`

	// selectOpen returns the change because of which insertNewChange inserts nothing.
	selectOpen = `SELECT id FROM change AS earlier WHERE earlier.settled = 0 AND earlier.requester = $1
		AND earlier.fingerprint = $2 AND ` + stillOpen + `CAST($3 AS BIGINT))`

	// stillOpen ends with the time to compare with, and a parenthesis.
	stillOpen = `(earlier.state = 'executing' OR earlier.state IN ('pending', 'approved') AND earlier.expires > `

	upsertBaseline = `INSERT INTO baseline (change_id, live) VALUES ($1, $2)
		ON CONFLICT (change_id) DO UPDATE SET live = excluded.live`
)

func claimQueries() []string {
	return []string{selectClaims, insertClaim, deleteClaim, claimChange, releaseClaims, insertNewChange, upsertBaseline}
}
