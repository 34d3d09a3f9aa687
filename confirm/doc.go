// Package confirm is the lock between a wish and a write.
//
// Somebody proposes a change: the exact request to Defender, frozen, with everything a person is shown of
// it. The Gate keeps it in a ledger, and it stays inert there until enough people who may decide have said
// yes to these very bytes. Then one process claims it, runs it, and records how it ended:
//
//	proposal -> Gate.Propose -> (people are asked) -> Gate.Decide or Gate.Answer -> claim -> Config.Execute -> outcome
//
// The invariant: Config.Execute is called only with a change that was approved by people whom Policy
// allows, before its expiry, with the digest they were shown, and only by the one caller who won the claim
// in the ledger. Everything else in this package exists to make that sentence true across double clicks,
// crashes and replicas. What a process leaves behind is recovered by reading Defender, never by sending again.
//
// People are counted, not accounts, and whoever asked, by none of theirs, unless the policy lets them confirm their
// own. Who is who is what the configuration says, joined with the links that the ledger holds of people who proved
// that two accounts are theirs; it is read anew for each decision, and once more for the claim. So are the rules of
// the policy, which look at what a change means (Facts) and ask for more people, or refuse: a policy that became
// stricter counts, and one that became laxer does not.
//
// The package knows neither Defender nor any face. It has no way to be asked to approve by a model: a face
// must bring an authenticated principal and, for a client's own prompt, the code that only the prompt shows.
package confirm
