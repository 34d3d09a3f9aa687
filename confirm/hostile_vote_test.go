package confirm_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
)

// swapped is the request that the attacker wants to be sent, with its true digest.
func swapped(t *testing.T) string {
	t.Helper()
	p := deleteTwo()
	p.Request.Body = bytes.ReplaceAll(p.Request.Body, []byte(`"b"`), []byte(`"c"`))
	digest, err := p.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

const swapBody = `UPDATE proposal SET proposed = replace(proposed, '\"b\"]', '\"c\"]') WHERE change_id = $1`

// What is altered while the change waits for a person is refused when that person answers.
func TestAVoteOnAnAlteredProposalIsRefused(t *testing.T) {
	for name, attack := range map[string]func(t *testing.T, h *hostile, c confirm.Change){
		"body and digest": func(t *testing.T, h *hostile, c confirm.Change) {
			h.write(t, swapBody, c.ID)
			h.write(t, `UPDATE change SET digest = $1 WHERE id = $2`, swapped(t), c.ID)
		},
		"approvals needed": func(t *testing.T, h *hostile, c confirm.Change) {
			h.write(t, `UPDATE proposal SET proposed = replace(proposed, '"needed":2', '"needed":1') WHERE change_id = $1`, c.ID)
		},
		"requester": func(t *testing.T, h *hostile, c confirm.Change) {
			h.write(t, `UPDATE change SET requester = 'token:eve' WHERE id = $1`, c.ID)
		},
		"code": func(t *testing.T, h *hostile, c confirm.Change) {
			h.write(t, `UPDATE change SET code = 'AAAAA' WHERE id = $1`, c.ID)
		},
		"from before the migration": func(t *testing.T, h *hostile, c confirm.Change) {
			h.write(t, `UPDATE proposal SET proposed = replace(proposed, '"mac"', '"was"'), log_size = 0, log_edge = '' WHERE change_id = $1`, c.ID)
		},
	} {
		t.Run(name, func(t *testing.T) {
			policy := confirm.Policy{Approvers: []string{string(bob), string(cleo)}, Required: map[string]int{"delete_scans": 2}}
			forEachLedger(t, policy, func(t *testing.T, h *hostile) {
				c := h.propose(t, onSlack(ada))
				attack(t, h, c)
				for _, who := range []confirm.Principal{bob, cleo} {
					_, err := h.Decide(t.Context(), c.ID, approval(who))
					wantRefusal(t, err, "propose it again")
				}
				h.recoverOnce(t)
				h.wantReported(t, confirm.KindProposal)
			})
		})
	}
}

// Servers with different keys on one ledger are told so, and the change is sent by the one that has the right key.
func TestAnotherServerKeyIsNamed(t *testing.T) {
	forEachLedger(t, confirm.Policy{Approvers: []string{string(bob)}}, func(t *testing.T, h *hostile) {
		c := h.propose(t, onSlack(ada))
		cfg := h.cfg
		cfg.Key = bytes.Repeat([]byte{8}, 32)
		_, err := confirm.New(cfg).Decide(t.Context(), c.ID, approval(bob))
		wantRefusal(t, err, "server.key")
		found, err := confirm.Inspect(t.Context(), h.store, cfg.Key)
		if err != nil || len(found) != 1 || !strings.Contains(found[0].Reason, "server.key") {
			t.Errorf("Inspect returned %+v, %v", found, err)
		}
		left := h.moveSealed(t, c, approvedMove(bob)) // and then the process ended
		own := h.Gate
		h.Gate = confirm.New(cfg)
		h.recoverOnce(t)
		h.waitStored(t, left.ID, confirm.Approved)
		h.Gate = own
		h.startRecovery(t)
		h.waitFor(t, left.ID, confirm.Applied, 1)
	})
}

// A call that waits for a change hears of the tampering at once. After an operator has restored the row, the change is
// decided as any other.
func TestAWaitingCallHearsOfTampering(t *testing.T) {
	forEachLedger(t, confirm.Policy{Approvers: []string{string(bob)}}, func(t *testing.T, h *hostile) {
		c := h.propose(t, onSlack(ada))
		h.setState(t, c.ID, confirm.Approved, 0)
		waited := make(chan error)
		go func() {
			_, err := h.Wait(t.Context(), c.ID)
			waited <- err
		}()
		h.recoverOnce(t)
		wantRefusal(t, <-waited, "scanwarden audit verify")
		h.setState(t, c.ID, confirm.Pending, 0)
		h.advance(2 * time.Minute)
		h.apply(t, c)
	})
}
