package slackbot

import "time"

// waits are the intervals that a Bot measures in real time. Tests shorten them.
type waits struct {
	// pollInterval is how often notifyLoop looks in the store for what other processes did, or left undone.
	pollInterval time.Duration
	// posted is how long the reply to a requester waits for the confirmation message to be posted.
	posted time.Duration
	// prefill is how long a modal waits for its data before it opens without them. A trigger_id is valid for three
	// seconds.
	prefill time.Duration
	// ack is how long a submitted modal may wait for its result. Only the acknowledgement can mark a field, and Slack
	// waits three seconds for it.
	ack time.Duration
	// socketDelay is the time between opening the two sockets, so that Slack does not close both at once.
	socketDelay time.Duration
	// refused is the time between two questions to Slack whether it accepts an app that it has refused.
	refused time.Duration
}

var defaultWaits = waits{
	pollInterval: time.Second, posted: time.Second, prefill: 700 * time.Millisecond,
	ack: 2 * time.Second, socketDelay: 15 * time.Second, refused: time.Minute,
}
