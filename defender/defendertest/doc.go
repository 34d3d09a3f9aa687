// Package defendertest simulates Microsoft Defender's authenticated scan API: one tenant in memory behind an
// [http.Handler], for tests and for manual trials.
//
//	sim := defendertest.New(defendertest.Options{})
//	defer sim.Close()
//	service := httptest.NewServer(sim)
//	defer service.Close()
//
// A test calls it over real HTTP. It changes the tenant as the portal or a scanner would ([Server.Edit],
// [Server.FinishScan]), injects faults with [Server.Fail], and reads the requests from [Server.Calls] and
// [Server.Writes].
//
// The invariant: the simulator shares nothing with the client that it tests. It imports no package of this module and
// decodes no struct that the client encodes, so a misspelled field name cannot agree with itself.
//
// # How far to trust it
//
// It has not been compared with a live tenant. Field names, their order, the paths and the success statuses are those of
// the examples on Microsoft's Learn pages. Where those pages, the service's $metadata and the public clients contradict
// each other, [Options] has a field for each reading. What none of them documents, above all which mistake gets which
// error, is the simulator's own policy. That policy is in scan_check.go, auth_check.go and target.go, and is strict. The
// live service may accept more than the simulator, or word its errors otherwise.
//
// Ids are derived from a counter, so the same steps give the same ids.
package defendertest
