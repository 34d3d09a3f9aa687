package mcpserver

// For the fuzz test: seal and open with plain arguments.

func SealForTest(key []byte, change string, round int, principal, tool string) (string, error) {
	return seal(key, question{Change: change, Round: round}, asked{principal: principal, tool: tool})
}

func OpenForTest(key []byte, state, principal, tool string) (change string, round int, err error) {
	q, err := open(key, state, asked{principal: principal, tool: tool})
	return q.Change, q.Round, err
}
