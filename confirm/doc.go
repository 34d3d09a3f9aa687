// Package confirm keeps proposed changes until enough approvers have confirmed them, and then executes each one once.
//
// An interface (MCP, Slack) proposes a change: the frozen request to Defender, and everything that an approver is shown
// of it. The Gate keeps it in the ledger. A change in the ledger does nothing by itself:
//
//	Proposal -> Gate.Propose -> (approvers are asked) -> Gate.Decide or Gate.Answer -> claim -> Config.Execute -> Outcome
//
// A change has one State at a time. Each transition is guarded by the state, version and digest that were read, and is
// recorded in the audit log or does not happen:
//
//	pending --enough approvals--> approved --claim--> executing --> applied | failed | unknown
//	   |--denied--> denied           |--time--> expired   |--live state changed--> stale
//	   |--time--> expired
//	   |--requester--> withdrawn
//
// The invariant: Config.Execute is called only with a change that was approved by people whom Policy allows, before its
// expiry, with the digest they were shown, and only by the one process that won the claim in the ledger. This holds
// across double clicks, crashes and replicas. A change that a process leaves behind is recovered by reading Defender,
// never by sending again.
//
// Two changes of one scan are never in execution at once: the claim takes the keys of what a change writes
// (Proposal.Keys), and keeps them until the outcome is known. A second confirmed change waits for its turn.
//
// Approvals are counted by person, not by account. The requester's own approval does not count, under any of their
// accounts, unless the policy allows self-approval. There is one exception: where no approvers are listed, a user on
// their own stdio server confirms their own changes. The accounts of a person come from the configuration and from the
// identity links in the ledger. Links are read again for each decision and once more for the claim.
//
// The policy's rules look at what a change means (Facts). A rule can require more approvers or refuse the change. A
// policy that became stricter after the proposal counts; one that became less strict does not.
//
// The package knows neither Defender nor any interface. It offers a model no way to approve: an interface must bring an
// authenticated principal and, for the MCP client's own prompt, the code that only the prompt shows.
package confirm
