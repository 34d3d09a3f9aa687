package slackbot

// msgReadOnly answers whoever would change something through a server that only reads.
const msgReadOnly = "This server is read-only: nothing is asked for, confirmed or taken back through it, and nothing was done."

// isReadOnly reports whether the catalogue has nothing that proposes. Such a bot lists scans and puts nothing to
// people: a question of an earlier server's is left as it stands, and its buttons only say why they do nothing.
func (b *Bot) isReadOnly() bool { return len(b.forms) == 0 }
