package confirm

// Message is a chat message that shows a change, such as one in Slack. Interfaces keep messages to update them later.
type Message struct {
	Change   string // the change's id
	Channel  string // the id of the chat channel or conversation
	Message  string // the id of the message in it; empty until it could be posted
	Kind     string // "question" asks approvers to decide; "word" informs the requester of the outcome
	Version  int64  // the version of the change that it shows
	Reminded bool   // whether approvers were reminded of it
}
