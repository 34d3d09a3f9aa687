// Package defendertest simulates Microsoft Defender's authenticated scan API: one tenant in memory behind an
// [http.Handler], for tests and for trying things by hand.
//
//	sim := defendertest.New(defendertest.Options{})
//	defer sim.Close()
//	service := httptest.NewServer(sim)
//	defer service.Close()
//
// A test talks to it over real HTTP, arranges what a person would do elsewhere ([Server.Edit] in the portal,
// [Server.FinishScan] on the scanner), orders trouble with [Server.Fail], and reads what arrived from
// [Server.Calls] and [Server.Writes].
//
// The one invariant: the simulator shares nothing with the client it tests. It imports no package of this
// module and decodes no struct that the client encodes, so a misspelt field name cannot agree with itself.
//
// # How far to trust it
//
// Nobody has held it against a live tenant. Field names, their order, the paths and the success statuses are
// those of the examples on Microsoft's Learn pages. Where those pages, the service's $metadata and the public
// clients contradict each other, [Options] has a field for each reading. What none of them says (which error
// answers which mistake, above all) is the simulator's own policy, kept in scan_check.go, auth_check.go and
// target.go and chosen to be strict: a client that passes here may still meet a service that is kinder, or
// one that words its refusals otherwise.
//
// Ids are derived from a counter, not drawn at random, so the same steps give the same ids.
package defendertest
