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

// proofs issues and opens proofs, as the link page does.
var proofs = web.NewProofs(bytes.Repeat([]byte{3}, 32))

// withLinking returns p with account linking.
func withLinking(p options) options {
	p.bot = func(c *slackbot.Config) {
		c.LinkPage = linkPage
		c.OpenProof = func(text string, now time.Time) (slackbot.SignedIn, error) {
			who, err := proofs.Open(text, now)
			return slackbot.SignedIn{Principal: who.Principal, Name: who.Name}, err
		}
	}
	return p
}

// proof returns the proof that the link page shows to a user.
func (s *stack) proof(t testing.TB, of confirm.Principal, name string) string {
	t.Helper()
	text, err := proofs.Make(web.User{Principal: of, Name: name}, s.Now())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func slackOf(user string) confirm.Principal { return confirm.Principal("slack:" + team + "/" + user) }

// wantLinked fails unless exactly these principals are one person.
func (s *stack) wantLinked(t testing.TB, all ...confirm.Principal) {
	t.Helper()
	known, err := s.Gate.Person(t.Context(), all[0])
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

func TestAProofLinksTwoAccounts(t *testing.T) {
	bothTransports(t, func(t *testing.T, p options) {
		p.policy = func(p *confirm.Policy) { p.Approvers = []string{string(entraAda)} }
		s := newStack(t, withLinking(p))
		q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
		mustAck(t, s.slack.Click(ada, q, "approve_change"))
		s.waitReply(t, ada, "not among the approvers")

		mustAck(t, s.slack.Command(ada, channel, "/scans", "link"))
		s.waitReply(t, ada, linkPage, "sign in", "Never send one that")
		proof := s.proof(t, entraAda, "Ada Lovelace")
		mustAck(t, s.slack.Command(ada, channel, "/scans", "link "+proof))
		s.waitReply(t, ada, "Joined: ", "Ada Lovelace", string(entraAda))
		s.wantLinked(t, slackOf(ada), entraAda)
		if links, err := s.Store.Links(t.Context()); err != nil || len(links) != 1 || links[0].How != "sign-in" {
			t.Errorf("links are %+v, %v", links, err)
		}

		mustAck(t, s.slack.Click(ada, q, "approve_change"))
		s.waitUpdate(t, q, "applied")
		s.wantNoProof(t, proof)
	})
}

// wantNoProof fails if a proof is in anything that was sent to Slack, or in the log.
func (s *stack) wantNoProof(t testing.TB, proof string) {
	t.Helper()
	for _, c := range s.slack.Calls() {
		for name, value := range c.Args {
			if strings.Contains(strings.ToUpper(value), proof) {
				t.Errorf("%s has the proof in %s", c.Method, name)
			}
		}
	}
	for _, m := range s.slack.Messages(channel) {
		if strings.Contains(strings.ToUpper(m.All()), proof) {
			t.Errorf("a message has the proof: %s", m.All())
		}
	}
	if strings.Contains(strings.ToUpper(s.log.String()), proof) {
		t.Error("the log has the proof")
	}
}

func TestAnInvalidProofLinksNothing(t *testing.T) {
	t.Parallel()
	s := newStack(t, withLinking(options{}))
	old := s.proof(t, entraAda, "Ada")
	forged, err := web.NewProofs(make([]byte, 32)).Make(web.User{Principal: entraAda}, s.Now())
	if err != nil {
		t.Fatal(err)
	}
	s.Advance(11 * time.Minute)
	for proof, why := range map[string]string{
		old: "too old", forged: "not a proof from this server", "nonsense": "not a proof from this server",
		old[:40] + "2" + old[41:]: "not a proof from this server", "entra:" + tenantID: "not a proof from this server",
	} {
		if answer := s.replyTo(t, ada, "/scans", "link "+proof); !containsAll(answer, "Not joined: ", why) {
			t.Errorf("%s is answered %q", proof, answer)
		}
		s.wantNoProof(t, strings.ToUpper(proof))
	}
	s.wantLinked(t, slackOf(ada))
	if n := len(s.Tenant.Calls()); n != 0 {
		t.Errorf("Defender was called %d times", n)
	}
}

// replyTo sends a command and returns the reply that only its user sees.
func (s *stack) replyTo(t testing.TB, user, command, text string) string {
	t.Helper()
	replies := func() (all []string) {
		for _, m := range s.slack.Messages(channel) {
			if m.Ephemeral && m.To == user {
				all = append(all, m.All())
			}
		}
		return all
	}
	before := len(replies())
	mustAck(t, s.slack.Command(user, channel, command, text))
	s.slack.Wait("an answer", func() bool { return len(replies()) > before })
	return replies()[before]
}

func TestAnAccountIsLinkedOnce(t *testing.T) {
	t.Parallel()
	s := newStack(t, withLinking(options{}))
	proof := s.proof(t, entraAda, "Ada")
	mustAck(t, s.slack.Command(ada, channel, "/scans", "Link "+proof[:30]+"\n"+strings.ToLower(proof[30:])))
	s.waitReply(t, ada, "Joined: ")
	// Mallory has seen the proof.
	mustAck(t, s.slack.Command(mallory, channel, "/scans", "link "+proof))
	s.waitReply(t, mallory, "Not joined: ", "already")
	mustAck(t, s.slack.Command(ada, channel, "/scans", "link "+s.proof(t, entraEve, "Eve")))
	s.waitReply(t, ada, "Not joined: ", "already")
	s.wantLinked(t, slackOf(ada), entraAda)
	s.wantLinked(t, slackOf(mallory))
}

func TestGuestsBotsAndOutsidersCannotLink(t *testing.T) {
	t.Parallel()
	s := newStack(t, withLinking(options{}))
	for user, why := range map[string]string{guest: "guests cannot", robot: "bots and apps cannot", ghost: "deactivated", other: "another workspace"} {
		mustAck(t, s.slack.Command(user, channel, "/scans", "link "+s.proof(t, entraAda, "Ada")))
		s.waitReply(t, user, why)
	}
	s.wantLinked(t, entraAda)
}

func TestLinkingIsMentionedOnlyWhereItIsOffered(t *testing.T) {
	t.Parallel()
	for _, offered := range []bool{true, false} {
		p := options{}
		if offered {
			p = withLinking(p)
		}
		s := newStack(t, p)
		mustAck(t, s.slack.Command(ada, channel, "/scans", "help"))
		if help := s.waitReply(t, ada, "lists the scans").All(); strings.Contains(help, "/scans link") != offered {
			t.Errorf("offered %v, and the help says %s", offered, help)
		}
		mustAck(t, s.slack.OpenHome(ada))
		home := s.slack.WaitHome(ada, func(v slacktest.View) bool { return containsAll(v.All(), "Decided lately") })
		if strings.Contains(home.All(), "/scans link") != offered {
			t.Errorf("offered %v, and the home says %s", offered, home.All())
		}
		if m := manifestOf(t, s.cfg); strings.Contains(m, "| link |") != offered {
			t.Errorf("offered %v, and the manifest says %s", offered, m)
		}
		if !offered {
			mustAck(t, s.slack.Command(ada, channel, "/scans", "link "+s.proof(t, entraAda, "Ada")))
			s.waitReply(t, ada, "not joined by signing in here")
			s.wantLinked(t, slackOf(ada))
			continue
		}
		mustAck(t, s.slack.Command(ada, channel, "/scans", "link "+s.proof(t, entraAda, "Ada Lovelace")))
		s.waitReply(t, ada, "Joined: ")
		mustAck(t, s.slack.OpenHome(ada))
		s.slack.WaitHome(ada, func(v slacktest.View) bool { return containsAll(v.All(), "known here as Ada Lovelace") })
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

func TestLinkPageRequiresOpenProof(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	s.cfg.LinkPage = linkPage
	if _, err := slackbot.New(s.cfg); err == nil || !strings.Contains(err.Error(), "OpenProof") {
		t.Errorf("the bot is made, %v", err)
	}
}

func TestRepliesEndWithOnePeriod(t *testing.T) {
	t.Parallel()
	for _, why := range []string{"it is too old", "it is too old."} {
		p := withLinking(options{})
		whole := p.bot
		p.bot = func(c *slackbot.Config) {
			whole(c)
			c.OpenProof = func(string, time.Time) (slackbot.SignedIn, error) { return slackbot.SignedIn{}, errors.New(why) }
		}
		s := newStack(t, p)
		if answer := s.replyTo(t, ada, "/scans", "link x"); !containsAll(answer, "Not joined: it is too old.") || containsAll(answer, "..") {
			t.Errorf("%q becomes %s", why, answer)
		}
	}
}
