package confirm_test

import (
	"slices"
	"testing"

	"scanwarden/confirm"
)

func TestAChannelWithAProblemIsLeftOut(t *testing.T) {
	t.Parallel()
	s := newStack(t, confirm.Policy{Approvers: []string{string(cleo), string(ada)}, SelfApproval: true})
	s.cfg.ChannelProblem = func(c confirm.Channel) string {
		if c == confirm.Slack {
			return "Slack cannot be used: install the app again."
		}
		return ""
	}
	gate := confirm.New(s.cfg)
	by := confirm.Requester{Principal: ada, Source: confirm.SourceHTTP, Channels: []confirm.Channel{confirm.Slack}}
	wantRefusal(t, gate.CanPropose(t.Context(), "delete_scans", by), "no approver can be asked. Slack cannot be used: install the app again")
	_, err := gate.Propose(t.Context(), deleteTwo(), by)
	wantRefusal(t, err, "install the app again")
	by.Channels = []confirm.Channel{confirm.Client, confirm.Slack}
	c, err := gate.Propose(t.Context(), deleteTwo(), by)
	if err != nil || !slices.Equal(c.Channels, []confirm.Channel{confirm.Client}) {
		t.Errorf("with another channel: %v, %v", c.Channels, err)
	}
}
