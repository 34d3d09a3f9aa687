package confirm

// Message is one place where a change was put to people, such as a message in Slack.
type Message struct {
	Change   string // the change's id
	Channel  string // the place: a channel's or conversation's id
	Message  string // the message in it; empty while it could not be posted yet
	Kind     string // "question", or "word" for what tells the requester
	Version  int64  // the version of the change that it shows
	Reminded bool   // whether people were reminded of it
}
