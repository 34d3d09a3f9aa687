package confirm

import (
	"errors"
	"slices"
)

// withUsableChannels returns by without the channels that have a problem (Config.ChannelProblem). If none is left, it
// returns a refusal with the problem: nobody could be asked.
func (g *Gate) withUsableChannels(by Requester) (Requester, error) {
	if g.cfg.ChannelProblem == nil {
		return by, nil
	}
	var problem string
	usable := slices.DeleteFunc(slices.Clone(by.Channels), func(c Channel) bool {
		why := g.cfg.ChannelProblem(c)
		if why != "" {
			problem = why
		}
		return why != ""
	})
	if len(usable) == 0 && problem != "" {
		return by, asRefusal(errors.New("no approver can be asked. " + problem))
	}
	by.Channels = usable
	return by, nil
}
