package confirm

import (
	"errors"
	"slices"
)

// withWorkingChannels returns by without the channels that have a problem (Config.ChannelProblem). If none is left, it
// returns a refusal with the problem: nobody could be asked.
func (g *Gate) withWorkingChannels(by Requester) (Requester, error) {
	if g.cfg.ChannelProblem == nil {
		return by, nil
	}
	var problem string
	broken := func(c Channel) bool {
		why := g.cfg.ChannelProblem(c)
		if why != "" {
			problem = why
		}
		return why != ""
	}
	by.Channels = slices.DeleteFunc(slices.Clone(by.Channels), broken)
	by.Fallback = slices.DeleteFunc(slices.Clone(by.Fallback), broken)
	if len(by.Channels)+len(by.Fallback) == 0 && problem != "" {
		return by, asRefusal(errors.New("no approver can be asked. " + problem))
	}
	return by, nil
}

// withFallback returns by with its fallback among the channels, if that makes a change with this requirement one that can
// be confirmed, and it was none before. Without other channels the fallback is what there is.
func (a authorizer) withFallback(need requirement, by Requester) Requester {
	more := by
	for _, c := range by.Fallback {
		if !slices.Contains(more.Channels, c) {
			more.Channels = append(slices.Clip(more.Channels), c)
		}
	}
	if a.checkReachable(need, by) != nil && (len(by.Channels) == 0 || a.checkReachable(need, more) == nil) {
		return more
	}
	return by
}
