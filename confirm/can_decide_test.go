package confirm_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"scanwarden/confirm"
)

// What MayDecide says is what Decide does, and it leaves no trace.
func TestMayDecideSaysWhatDecideDoes(t *testing.T) {
	policy := confirm.Policy{Approvers: []string{string(ada), string(bob), string(cleo)}, Required: map[string]int{"delete_scans": 2}}
	for name, tt := range map[string]struct {
		vote   confirm.Vote
		before func(t *testing.T, h *house, c confirm.Change)
		want   error
	}{
		"a yes":               {yes(bob), nil, nil},
		"a no":                {no(bob, "no"), nil, nil},
		"the requester's no":  {no(ada, "no"), nil, nil},
		"the requester's yes": {yes(ada), nil, confirm.ErrRefused},
		"a stranger's":        {yes("token:eve"), nil, confirm.ErrRefused},
		"a second one": {yes(bob), func(t *testing.T, h *house, c confirm.Change) {
			if _, err := h.Decide(t.Context(), c.ID, yes(bob)); err != nil {
				t.Fatal(err)
			}
		}, confirm.ErrRefused},
		"when it is over": {yes(bob), func(t *testing.T, h *house, c confirm.Change) {
			if _, err := h.Withdraw(t.Context(), c.ID, confirm.Requester{Principal: ada}); err != nil {
				t.Fatal(err)
			}
		}, confirm.ErrMoved},
		"when it is overdue": {yes(bob), func(_ *testing.T, h *house, _ confirm.Change) { h.advance(time.Hour) }, confirm.ErrMoved},
		"for another tenant": {yes(bob), func(_ *testing.T, h *house, _ confirm.Change) {
			cfg := h.cfg
			cfg.Target = "another"
			h.Gate = confirm.New(cfg)
		}, confirm.ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, policy)
			c := h.propose(t, elsewhere(ada))
			if tt.before != nil {
				tt.before(t, h, c)
			}
			c, err := h.ledger.Change(t.Context(), c.ID)
			if err != nil {
				t.Fatal(err)
			}
			log, err := h.ledger.Verify(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if may := h.CanDecide(t.Context(), c, tt.vote); !errors.Is(may, tt.want) || (may == nil) != (tt.want == nil) {
				t.Errorf("it says %v, want %v", may, tt.want)
			}
			if now, err := h.ledger.Verify(t.Context()); err != nil || now != log {
				t.Errorf("it left a trace: %+v, %v", now, err)
			}
			if _, did := h.Decide(t.Context(), c.ID, tt.vote); !errors.Is(did, tt.want) || (did == nil) != (tt.want == nil) {
				t.Errorf("the vote gave %v, want %v", did, tt.want)
			}
		})
	}
}

// counted is the real ledger, which counts how often it is asked who is who.
type counted struct {
	confirm.Store
	reads int
}

func (c *counted) Links(ctx context.Context) ([]confirm.Link, error) {
	c.reads++
	return c.Store.Links(ctx)
}

func TestMayDecideEachSaysWhatMayDecideDoes(t *testing.T) {
	h := newHouse(t, confirm.Policy{Approvers: []string{string(slackBob), string(cleo)}})
	h.link(t, linkBob())
	own, others, over := h.propose(t, entraBobAsking()), h.propose(t, elsewhere(ada)), h.propose(t, elsewhere(ada))
	over, err := h.Withdraw(t.Context(), over.ID, confirm.Requester{Principal: ada})
	if err != nil {
		t.Fatal(err)
	}
	changes := []confirm.Change{own, others, over, others}
	cfg, ledger := h.cfg, &counted{Store: h.ledger}
	cfg.Store = ledger
	may, err := confirm.New(cfg).CanDecideEach(t.Context(), changes, yes(slackBob))
	if err != nil || !slices.Equal(may, []bool{false, true, false, true}) || ledger.reads != 1 {
		t.Errorf("it says %v, %v after asking %d times who is who", may, err, ledger.reads)
	}
	for i, c := range changes {
		if err := h.CanDecide(t.Context(), c, yes(slackBob)); (err == nil) != may[i] {
			t.Errorf("of change %d it says %v, and MayDecide %v", i, may[i], err)
		}
	}
}
