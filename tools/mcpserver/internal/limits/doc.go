// Package limits bounds what one caller, and all callers together, can take of a server: requests, calls in progress,
// waiting calls, sessions, and space in the ledger.
//
// A [Limiter] has a token bucket for each [Quota] and a counter for each number of slots, for each caller and for all
// callers. [Sessions] bounds the sessions that outlive their requests. Both refuse with an [*Error], which contains
// the time after which a repetition can succeed.
//
// The invariant: the memory of this package is bounded too. It keeps every caller that occupies something, whose
// number the slots of all callers bound, and the recentCallers other callers that were seen last. It has no
// goroutine.
package limits
