// Package defender is a client for the authenticated scan API of Microsoft Defender for Endpoint: the scan definitions, the
// scanners that run them, and the history of their runs.
//
// A [Client] reads. A [Writer] sends the three writes of the API. A write starts as an inert [Write], made by [AddScan],
// [UpdateScan] or [DeleteScans], which can be shown, stored and digested. After an approver has confirmed it,
// [Writer.Prepare] waits for the rate limit and a token, and [Prepared.Send] sends it. Each method that calls Defender
// has a parameter for the [Actor] on whose behalf it does so.
//
// The invariant: a Client cannot change anything, and a Writer sends the bytes that it was given, once or not at all. It
// follows that
//
//   - a Writer cannot be created from a Client, so code that can only read cannot gain the right to write;
//   - reads are retried and writes are not. Two of the reads are POSTs, so the operation decides, not the method;
//   - a write without a response is neither failed nor repeated. Its error is [ErrUncertain], and the caller must read the
//     scans to learn the outcome. Only what provably was not sent is [ErrNotSent].
//
// # Secrets
//
// A scan's passwords are [Secret]s, which no formatter shows. A frozen Write has a reference to a named credential
// instead. Prepare replaces it with the credential and leaves every other byte unchanged. A member with the name of a
// secret is not kept from a response. After a request with a credential, an error has the status, a documented code and
// the request id of the response, and a receipt the values that were sent: the service could repeat a secret in any
// encoding.
//
// # How far to trust the facts
//
// Field names, paths and statuses are those of Microsoft's pages on the API (all flagged pre-release), and of the
// service's own $metadata where the pages are silent. Where the two contradict each other, responses are decoded in either
// shape and requests follow the printed examples; comments name the source. Nothing has been checked against a live
// tenant.
package defender
