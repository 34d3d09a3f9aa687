package store

// The statements of transactions. Both databases take them as they are. SQLite has them prepared: every statement that a
// transaction runs must be listed in preparedQueries.

const (
	insertChange = `INSERT INTO change (id, code, operation, target, digest, requester, via, created, expires,
			state, settled, version, round, outcome, owner, lease, updated)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
		ON CONFLICT DO NOTHING`

	insertProposal = `INSERT INTO proposal (change_id, proposed, log_size, log_edge) VALUES ($1, $2, $3, $4)`

	// guardedUpdate has every guard of a move: if one does not match, no row is altered. A new value that is the
	// empty string keeps the old one.
	guardedUpdate = `UPDATE change SET state = $1, settled = $13, version = version + 1, updated = $2, round = round + $3,
			owner = CASE WHEN $4 = '' THEN owner ELSE $4 END,
			lease = CASE WHEN $4 = '' THEN lease ELSE $5 END,
			outcome = CASE WHEN $6 = '' THEN outcome ELSE $6 END
		WHERE id = $7 AND digest = $8 AND state = $9 AND version = $10 AND expires > $11
			AND ($12 = '' OR NOT EXISTS (SELECT 1 FROM decision WHERE change_id = $7 AND person = $12))`
	returnMoved  = ` RETURNING operation, target, requester, via, round, owner, lease, outcome`
	updateChange = guardedUpdate + returnMoved

	insertDecision = `INSERT INTO decision (change_id, person, version, decision) VALUES ($1, $2, $3, $4)`

	insertLink = `INSERT INTO link (from_principal, to_principal, name, how, at, mac) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT DO NOTHING`
	deleteLink  = `DELETE FROM link WHERE from_principal = $1 RETURNING to_principal, mac`
	selectLinks = `SELECT from_principal, to_principal, name, how, at, mac FROM link ORDER BY at, from_principal`

	deleteChange    = `DELETE FROM change WHERE id = $1 AND version = $2 AND state = $3 AND digest = $4 AND settled = 1 AND updated = $5`
	deleteProposal  = `DELETE FROM proposal WHERE change_id = $1`
	deleteDecisions = `DELETE FROM decision WHERE change_id = $1`
	deleteMessages  = `DELETE FROM notice WHERE change_id = $1`
	deleteBaseline  = `DELETE FROM baseline WHERE change_id = $1`

	lockHead         = `UPDATE audit_head SET n = n WHERE one = 1 RETURNING n, edge`
	updateHead       = `UPDATE audit_head SET n = $1, edge = $2 WHERE one = 1`
	insertEntries    = `INSERT INTO audit (n, lines, hashes, checkpoint) VALUES ($1, $2, $3, $4)`
	selectLines      = `SELECT lines FROM audit WHERE n = $1`
	selectCheckpoint = `SELECT checkpoint FROM audit ORDER BY n DESC LIMIT 1`
	selectEntries    = `SELECT n, lines FROM audit WHERE n >= $1 ORDER BY n`
	selectLogStart   = `SELECT log_size, log_edge FROM proposal WHERE change_id = $1`

	lockBudget     = `UPDATE budget SET taken = taken WHERE one = 1 RETURNING taken, paused`
	updateBudget   = `UPDATE budget SET taken = $1 WHERE one = 1`
	selectCall     = `SELECT at FROM budget_call WHERE n = $1`
	insertCall     = `INSERT INTO budget_call (n, at) VALUES ($1, $2)`
	deleteOldCalls = `DELETE FROM budget_call WHERE n <= $1`
)

func preparedQueries() []string {
	return append(claimQueries(), []string{
		insertChange, insertProposal, updateChange, insertDecision, insertLink, deleteLink, selectLinks,
		deleteChange, deleteProposal, deleteDecisions, deleteMessages, deleteBaseline,
		lockHead, updateHead, insertEntries, selectLines, selectCheckpoint, selectEntries, selectLogStart,
		lockBudget, updateBudget, selectCall, insertCall, deleteOldCalls,
	}...)
}
