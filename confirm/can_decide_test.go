package confirm_test

import (
	"errors"
	"testing"
	"time"

	"scanwarden/confirm"
)

// CanDecide returns what Decide would, and leaves no trace.
func TestCanDecideAgreesWithDecide(t *testing.T) {
	t.Parallel()
	policy := confirm.Policy{Approvers: []string{string(ada), string(bob), string(cleo)}, Required: map[string]int{"delete_scans": 2}}
	for name, tt := range map[string]struct {
		vote   confirm.Vote
		before func(t *testing.T, s *stack, c confirm.Change)
		want   error
	}{
		"an approval":              {approval(bob), nil, nil},
		"a denial":                 {denial(bob, "no"), nil, nil},
		"the requester's denial":   {denial(ada, "no"), nil, nil},
		"the requester's approval": {approval(ada), nil, confirm.ErrRefused},
		"an unlisted user's":       {approval("token:eve"), nil, confirm.ErrRefused},
		"a second one": {approval(bob), func(t *testing.T, s *stack, c confirm.Change) {
			if _, err := s.Decide(t.Context(), c.ID, approval(bob)); err != nil {
				t.Fatal(err)
			}
		}, confirm.ErrRefused},
		"when it is over": {approval(bob), func(t *testing.T, s *stack, c confirm.Change) {
			if _, err := s.Withdraw(t.Context(), c.ID, confirm.Requester{Principal: ada}); err != nil {
				t.Fatal(err)
			}
		}, confirm.ErrMoved},
		"when it is overdue": {approval(bob), func(_ *testing.T, s *stack, _ confirm.Change) { s.advance(time.Hour) }, confirm.ErrMoved},
		"for another tenant": {approval(bob), func(_ *testing.T, s *stack, _ confirm.Change) {
			cfg := s.cfg
			cfg.Target = "another"
			s.Gate = confirm.New(cfg)
		}, confirm.ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, policy)
			c := s.propose(t, onSlack(ada))
			if tt.before != nil {
				tt.before(t, s, c)
			}
			c, err := s.store.Change(t.Context(), c.ID)
			if err != nil {
				t.Fatal(err)
			}
			log, err := s.store.Verify(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if may := s.CanDecide(t.Context(), c, tt.vote); !errors.Is(may, tt.want) || (may == nil) != (tt.want == nil) {
				t.Errorf("it returned %v, want %v", may, tt.want)
			}
			if now, err := s.store.Verify(t.Context()); err != nil || now != log {
				t.Errorf("it left a trace: %+v, %v", now, err)
			}
			if _, did := s.Decide(t.Context(), c.ID, tt.vote); !errors.Is(did, tt.want) || (did == nil) != (tt.want == nil) {
				t.Errorf("the vote gave %v, want %v", did, tt.want)
			}
		})
	}
}
