// Package defender is the window to the authenticated scan API of Microsoft Defender for Endpoint: the scan
// definitions, the scanners that carry them out, and the history of what they found.
//
// A [Client] reads. A [Writer] sends the three writes the API knows. Between them lies a person's decision:
// a write begins as an inert [Write], made by [AddScan], [UpdateScan] or [DeleteScans], that can be shown,
// stored and digested, and that nothing in this package sends until somebody hands it to [Writer.Do].
//
// The one invariant: a Client cannot change anything, and a Writer sends the bytes it was given once or not
// at all. It follows that
//
//   - a Writer cannot be made from a Client: whoever can only read cannot make a pen;
//   - reads are retried and writes never are. Two of the reads are POSTs, so the operation decides, not the
//     method;
//   - a write whose answer never came is neither failed nor repeated. It is [ErrUncertain], and the caller has
//     to look. Only what provably never left this machine is [ErrNotSent].
//
// # Secrets
//
// A scan's passwords are [Secret]s, which no formatter shows. A frozen Write holds a reference to a named
// credential instead; Do puts the credential in its place, byte for byte, on the way out. Nothing that Defender
// returns under a secret's name is kept, and an error message that repeats a secret is scrubbed.
//
// # How far to trust the facts
//
// Field names, paths and statuses are those of Microsoft's pages on the API (all flagged pre-release), and of the
// service's own $metadata where the pages are silent. Where the two contradict each other, answers are read in
// either shape and requests follow the printed examples; comments say which. None of it has been checked
// against a live tenant.
package defender
