package confirm_test

import (
	"testing"

	"scanwarden/confirm"
)

// Whoever writes the table of links becomes nobody else, and stays who they are.
func TestADatabaseWriterIsNobodyElse(t *testing.T) {
	const insertLink = `INSERT INTO link (from_principal, to_principal, name, how, at, mac) VALUES ($1, $2, 'Bob', 'sign-in', 0, $3)`
	for name, tt := range map[string]struct {
		attack func(t *testing.T, h *hostile)
		kind   string
	}{
		"forged link": {func(t *testing.T, h *hostile) {
			h.write(t, insertLink, "slack:T1/UEVE", string(bob), "")
		}, confirm.KindLink},
		"forged link with the MAC of another": {func(t *testing.T, h *hostile) {
			h.link(t, linkBob())
			var mac string
			if err := h.raw.QueryRow(`SELECT mac FROM link`).Scan(&mac); err != nil {
				t.Fatal(err)
			}
			h.write(t, insertLink, "slack:T1/UEVE", string(bob), mac)
		}, confirm.KindLink},
		"redirected link": {func(t *testing.T, h *hostile) {
			h.link(t, linkBob())
			h.write(t, `UPDATE link SET from_principal = 'slack:T1/UEVE', to_principal = $1`, string(bob))
		}, confirm.KindLinkSet},
	} {
		t.Run(name, func(t *testing.T) {
			forEachLedger(t, confirm.Policy{Approvers: []string{string(bob)}}, func(t *testing.T, h *hostile) {
				tt.attack(t, h)
				c, err := h.Propose(t.Context(), deleteTwo(), onSlack(ada))
				if err == nil {
					_, err = h.Decide(t.Context(), c.ID, approval("slack:T1/UEVE"))
				}
				wantRefusal(t, err)
				h.recoverOnce(t)
				h.wantReported(t, tt.kind)
			})
		})
	}
}

// A requester who erases the link of two accounts does not become two people.
func TestAnErasedLinkStillHolds(t *testing.T) {
	for name, attack := range map[string]func(t *testing.T, h *hostile){
		"removed":     func(t *testing.T, h *hostile) { h.write(t, `DELETE FROM link`) },
		"MAC dropped": func(t *testing.T, h *hostile) { h.write(t, `UPDATE link SET mac = ''`) },
		"altered":     func(t *testing.T, h *hostile) { h.write(t, `UPDATE link SET to_principal = 'entra:T/OTHER'`) },
	} {
		t.Run(name, func(t *testing.T) {
			forEachLedger(t, confirm.Policy{Approvers: []string{string(slackBob)}}, func(t *testing.T, h *hostile) {
				h.link(t, linkBob())
				attack(t, h)
				c, err := h.Propose(t.Context(), deleteTwo(), entraBobAsking())
				if err == nil {
					_, err = h.Decide(t.Context(), c.ID, approval(slackBob))
				}
				wantRefusal(t, err)
				h.wantReported(t, confirm.KindLinkSet)
			})
		})
	}
}

// A link that its owner or an operator took back stays taken back.
func TestARestoredLinkIsRefused(t *testing.T) {
	forEachLedger(t, confirm.Policy{Approvers: []string{string(entraBob)}}, func(t *testing.T, h *hostile) {
		h.link(t, linkBob())
		var mac string
		var at int64
		if err := h.raw.QueryRow(`SELECT mac, at FROM link`).Scan(&mac, &at); err != nil {
			t.Fatal(err)
		}
		h.unlink(t)
		l := linkBob()
		h.write(t, `INSERT INTO link (from_principal, to_principal, name, how, at, mac) VALUES ($1, $2, $3, $4, $5, $6)`,
			string(l.From), string(l.To), l.Name, l.How, at, mac)
		c, err := h.Propose(t.Context(), deleteTwo(), onSlack(ada))
		if err == nil {
			_, err = h.Decide(t.Context(), c.ID, approval(slackBob))
		}
		wantRefusal(t, err)
		h.wantReported(t, confirm.KindLinkSet)
	})
}

// A link of an earlier version counts again once its person has linked the accounts again.
func TestAnUnsealedLinkIsMadeAgain(t *testing.T) {
	forEachLedger(t, confirm.Policy{Approvers: []string{string(entraBob)}}, func(t *testing.T, h *hostile) {
		l := linkBob()
		if err := h.store.Link(t.Context(), l); err != nil { // as an earlier version did: without a MAC
			t.Fatal(err)
		}
		c := h.propose(t, onSlack(ada))
		_, err := h.Decide(t.Context(), c.ID, approval(slackBob))
		wantRefusal(t, err, "link the accounts again")
		h.wantReported(t, confirm.KindLink)
		h.link(t, linkBob())
		if _, err := h.Decide(t.Context(), c.ID, approval(slackBob)); err != nil {
			t.Fatal(err)
		}
		h.waitFor(t, c.ID, confirm.Applied, 1)
		if _, err := h.store.Verify(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
