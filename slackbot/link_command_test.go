package slackbot_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/confirm/web"
	"scanwarden/slackbot"
	"scanwarden/slackbot/slacktest"
)

const (
	tenantID = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
	entraAda = confirm.Principal("entra:" + tenantID + "/11112222-bbbb-3333-cccc-4444dddd5555")
	entraEve = confirm.Principal("entra:" + tenantID + "/22223333-cccc-4444-dddd-5555eeee6666")
	linkPage = "https://scans.example.com/link"
)

// proofs are those of the page that people sign in on.
var proofs = web.NewProofs(bytes.Repeat([]byte{3}, 32))

// linking is a plan of a house that joins accounts.
func linking(p plan) plan {
	p.bot = func(c *slackbot.Config) {
		c.LinkPage = linkPage
		c.OpenProof = func(text string, now time.Time) (slackbot.SignedIn, error) {
			who, err := proofs.Open(text, now)
			return slackbot.SignedIn{Principal: who.Principal, Name: who.Name}, err
		}
	}
	return p
}

// proof is what the page shows to somebody.
func (h *house) proof(t testing.TB, of confirm.Principal, name string) string {
	t.Helper()
	text, err := proofs.Make(web.User{Principal: of, Name: name}, h.now())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func slackOf(user string) confirm.Principal { return confirm.Principal("slack:" + team + "/" + user) }

// joined fails unless exactly these principals are one person.
func (h *house) joined(t testing.TB, all ...confirm.Principal) {
	t.Helper()
	known, err := h.gate.Person(t.Context(), all[0])
	if err != nil || len(known.Principals) != len(all) {
		t.Fatalf("%s is known as %v, %v; want %v", all[0], known.Principals, err, all)
	}
	for _, p := range all {
		if !strings.Contains(joinedText(known.Principals), string(p)) {
			t.Fatalf("%s is known as %v, want %v", all[0], known.Principals, all)
		}
	}
}

func joinedText(all []confirm.Principal) (text string) {
	for _, p := range all {
		text += string(p) + " "
	}
	return text
}

func TestAProofJoinsTwoAccounts(t *testing.T) {
	transports(t, func(t *testing.T, p plan) {
		p.policy = func(p *confirm.Policy) { p.Approvers = []string{string(entraAda)} }
		h := newHouse(t, linking(p))
		q := h.ask(t, bob, "/add_scan", h.newScan("Core switches"))
		acked(t, h.slack.Click(ada, q, "approve_change"))
		h.told(t, ada, "not among the approvers")

		acked(t, h.slack.Command(ada, channel, "/scans", "link"))
		h.told(t, ada, linkPage, "sign in", "Never send one that somebody else has given you")
		proof := h.proof(t, entraAda, "Ada Lovelace")
		acked(t, h.slack.Command(ada, channel, "/scans", "link "+proof))
		h.told(t, ada, "Joined: ", "Ada Lovelace", string(entraAda))
		h.joined(t, slackOf(ada), entraAda)
		if links, err := h.ledger.Links(t.Context()); err != nil || len(links) != 1 || links[0].How != "sign-in" {
			t.Errorf("links are %+v, %v", links, err)
		}

		acked(t, h.slack.Click(ada, q, "approve_change"))
		h.becomes(t, q, "applied")
		h.secretive(t, proof)
	})
}

// secretive fails when a proof stands in anything that was sent to Slack, or in the log.
func (h *house) secretive(t testing.TB, proof string) {
	t.Helper()
	for _, c := range h.slack.Calls() {
		for name, value := range c.Args {
			if strings.Contains(strings.ToUpper(value), proof) {
				t.Errorf("%s has the proof in %s", c.Method, name)
			}
		}
	}
	for _, m := range h.slack.Messages(channel) {
		if strings.Contains(strings.ToUpper(m.All()), proof) {
			t.Errorf("a message has the proof: %s", m.All())
		}
	}
	if strings.Contains(strings.ToUpper(h.log.String()), proof) {
		t.Error("the log has the proof")
	}
}

func TestAProofThatIsNotGoodJoinsNobody(t *testing.T) {
	h := newHouse(t, linking(plan{}))
	old := h.proof(t, entraAda, "Ada")
	forged, err := web.NewProofs(make([]byte, 32)).Make(web.User{Principal: entraAda}, h.now())
	if err != nil {
		t.Fatal(err)
	}
	h.pass(11 * time.Minute)
	for proof, why := range map[string]string{
		old: "too old", forged: "not a proof from this server", "nonsense": "no proof of this server's",
		old[:40] + "2" + old[41:]: "not a proof from this server", "entra:" + tenantID: "no proof of this server's",
	} {
		if answer := h.answer(t, ada, "/scans", "link "+proof); !says(answer, "Not joined: ", why) {
			t.Errorf("%s is answered %q", proof, answer)
		}
		h.secretive(t, strings.ToUpper(proof))
	}
	h.joined(t, slackOf(ada))
	if n := len(h.tenant.Calls()); n != 0 {
		t.Errorf("Defender was called %d times", n)
	}
}

// answer gives a command and returns what that person alone is told.
func (h *house) answer(t testing.TB, user, command, text string) string {
	t.Helper()
	whispers := func() (all []string) {
		for _, m := range h.slack.Messages(channel) {
			if m.Ephemeral && m.To == user {
				all = append(all, m.All())
			}
		}
		return all
	}
	before := len(whispers())
	acked(t, h.slack.Command(user, channel, command, text))
	h.slack.Wait("an answer", func() bool { return len(whispers()) > before })
	return whispers()[before]
}

func TestAnAccountIsJoinedOnce(t *testing.T) {
	h := newHouse(t, linking(plan{}))
	proof := h.proof(t, entraAda, "Ada")
	acked(t, h.slack.Command(ada, channel, "/scans", "Link "+proof[:30]+"\n"+strings.ToLower(proof[30:])))
	h.told(t, ada, "Joined: ")
	// Mallory has seen the proof.
	acked(t, h.slack.Command(mallory, channel, "/scans", "link "+proof))
	h.told(t, mallory, "Not joined: ", "already")
	acked(t, h.slack.Command(ada, channel, "/scans", "link "+h.proof(t, entraEve, "Eve")))
	h.told(t, ada, "Not joined: ", "already")
	h.joined(t, slackOf(ada), entraAda)
	h.joined(t, slackOf(mallory))
}

func TestWhoMayNotActMayNotLinkEither(t *testing.T) {
	h := newHouse(t, linking(plan{}))
	for user, why := range map[string]string{guest: "guests cannot", robot: "bots and apps cannot", ghost: "deactivated", other: "another workspace"} {
		acked(t, h.slack.Command(user, channel, "/scans", "link "+h.proof(t, entraAda, "Ada")))
		h.told(t, user, why)
	}
	h.joined(t, entraAda)
}

func TestLinkingIsMentionedOnlyWhereItIsOffered(t *testing.T) {
	for _, offered := range []bool{true, false} {
		p := plan{}
		if offered {
			p = linking(p)
		}
		h := newHouse(t, p)
		acked(t, h.slack.Command(ada, channel, "/scans", "help"))
		if help := h.told(t, ada, "lists the scans").All(); strings.Contains(help, "/scans link") != offered {
			t.Errorf("offered %v, and the help says %s", offered, help)
		}
		acked(t, h.slack.OpenHome(ada))
		home := h.slack.WaitHome(ada, func(v slacktest.View) bool { return says(v.All(), "Decided lately") })
		if strings.Contains(home.All(), "/scans link") != offered {
			t.Errorf("offered %v, and the home says %s", offered, home.All())
		}
		if m := manifestOf(t, h.cfg); strings.Contains(m, "| link |") != offered {
			t.Errorf("offered %v, and the manifest says %s", offered, m)
		}
		if !offered {
			acked(t, h.slack.Command(ada, channel, "/scans", "link "+h.proof(t, entraAda, "Ada")))
			h.told(t, ada, "not joined by signing in here")
			h.joined(t, slackOf(ada))
			continue
		}
		acked(t, h.slack.Command(ada, channel, "/scans", "link "+h.proof(t, entraAda, "Ada Lovelace")))
		h.told(t, ada, "Joined: ")
		acked(t, h.slack.OpenHome(ada))
		h.slack.WaitHome(ada, func(v slacktest.View) bool { return says(v.All(), "known here as Ada Lovelace") })
	}
}

func manifestOf(t testing.TB, cfg slackbot.Config) string {
	t.Helper()
	out, err := slackbot.Manifest(cfg, "")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestALinkPageNeedsWhatOpensItsProofs(t *testing.T) {
	h := newHouse(t, plan{})
	h.cfg.LinkPage = linkPage
	if _, err := slackbot.New(h.cfg); err == nil || !strings.Contains(err.Error(), "OpenProof") {
		t.Errorf("the bot is made, %v", err)
	}
}

func TestWhatEndsInAStopGetsNoOther(t *testing.T) {
	for _, why := range []string{"it is too old", "it is too old."} {
		p := linking(plan{})
		whole := p.bot
		p.bot = func(c *slackbot.Config) {
			whole(c)
			c.OpenProof = func(string, time.Time) (slackbot.SignedIn, error) { return slackbot.SignedIn{}, errors.New(why) }
		}
		h := newHouse(t, p)
		if answer := h.answer(t, ada, "/scans", "link x"); !says(answer, "Not joined: it is too old.") || says(answer, "..") {
			t.Errorf("%q becomes %s", why, answer)
		}
	}
}
