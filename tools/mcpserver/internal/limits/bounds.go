package limits

import "time"

// Limit names a limit in refusals and metrics.
type Limit string

// Limits of callers.
const (
	Requests      Limit = "requests"       // HTTP requests in a time
	InFlight      Limit = "in_flight"      // HTTP requests in progress, including waiting calls
	MessageBytes  Limit = "message_bytes"  // bytes of the messages in progress
	Running       Limit = "running"        // tool calls in progress that wait for no approver
	Waiting       Limit = "waiting"        // calls that wait for an approver or an outcome
	OpenSessions  Limit = "sessions"       // initialize-era sessions
	Handshake     Limit = "handshake"      // bytes of an initialize message
	Proposals     Limit = "proposals"      // changes proposed in an hour
	ProposalBytes Limit = "proposal_bytes" // bytes that proposals of an hour add to the ledger
	OpenChanges   Limit = "open_changes"   // changes that wait for an approver; package confirm counts them
)

// Limits of remote addresses, for requests before their caller is authenticated.
const (
	Unauthenticated      Limit = "unauthenticated"       // requests that failed to authenticate
	UnauthenticatedBytes Limit = "unauthenticated_bytes" // bytes of messages that are read to be authenticated
)

// Limits that no caller notices.
const (
	refusals Limit = "refusals" // answers to refused requests: later ones are delayed
	logLines Limit = "log_lines"
)

// HandshakeBytes bounds an initialize message. The library would decode and keep a client name of any length.
const HandshakeBytes = 64 << 10

// recentCallers bounds the callers without anything in progress whose token buckets are kept. A caller that is
// forgotten starts with full buckets.
const recentCallers = 4096

// Quota allows Burst units at once, and refills them evenly in Refill.
type Quota struct {
	Burst  int
	Refill time.Duration
}

// Scoped is a bound for each caller, and one for all callers together.
type Scoped[T any] struct{ Caller, All T }

// Bounds are the limits of a Limiter and of Sessions. A limit that is absent is not bounded.
type Bounds struct {
	Quotas map[Limit]Scoped[Quota]
	Slots  map[Limit]Scoped[int]
}

// ForCallers returns the bounds for authenticated callers. docs/operations.md lists them.
func ForCallers() Bounds {
	return Bounds{
		Quotas: map[Limit]Scoped[Quota]{
			// 200 requests a second are far more than an assistant sends, and a tenth of what two cores answer.
			Requests: {Quota{400, 2 * time.Second}, Quota{4000, 2 * time.Second}},
			// Defender accepts 1,500 calls an hour, and a change needs two, so more proposals could not be applied.
			Proposals: {Quota{600, time.Hour}, Quota{1500, time.Hour}},
			// A proposal of one scan adds about 6 KiB, and the largest about 500 KiB.
			ProposalBytes: {Quota{16 << 20, time.Hour}, Quota{64 << 20, time.Hour}},
			refusals:      {Quota{500, time.Second}, Quota{1000, time.Second}},
			logLines:      {Quota{1, time.Minute}, Quota{60, time.Minute}},
		},
		Slots: map[Limit]Scoped[int]{
			InFlight: {96, 512},
			// Decoding needs several times the bytes of a message.
			MessageBytes: {4 << 20, 12 << 20},
			Running:      {20, 200},
			// More than the 20 changes that a requester may have open by default.
			Waiting: {24, 256},
			// A session needs about 20 KiB while it is idle. Most clients never end their sessions.
			OpenSessions: {32, 1024},
		},
	}
}

// ForAddresses returns the bounds for requests that are not authenticated, by their remote address. Callers behind a
// proxy share its address, so these bounds never apply to a request that is authenticated.
func ForAddresses() Bounds {
	return Bounds{
		Quotas: map[Limit]Scoped[Quota]{
			Unauthenticated: {Quota{300, time.Minute}, Quota{3000, time.Minute}},
			refusals:        {Quota{200, time.Second}, Quota{500, time.Second}},
			logLines:        {Quota{1, time.Minute}, Quota{60, time.Minute}},
		},
		Slots: map[Limit]Scoped[int]{UnauthenticatedBytes: {2 << 20, 6 << 20}},
	}
}
