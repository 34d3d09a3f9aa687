package slackbot_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/defender/defendertest"
	"scanwarden/slackbot/slacktest"
)

// keyVault is the text of a command that makes Defender read the credential of a scan from a key vault.
const keyVault = ` scanAuthenticationParams.type=AuthPriv scanAuthenticationParams.keyVaultUrl=https://contoso-snmp.vault.azure.net/ ` +
	`scanAuthenticationParams.keyVaultSecretName=branch-snmp`

// twoPeople makes every change need two approvals.
func twoPeople(p *confirm.Policy) {
	p.Required = map[string]int{"add_scan": 2, "update_scan": 2, "delete_scans": 2}
}

// question returns a scene that ends with the question. prepare makes the tenant and returns the text of the command.
func question(name, command string, prepare func(s *stack) (text string)) goldenCase {
	return goldenCase{name: name, play: func(t *testing.T, s *stack) []slacktest.Call {
		s.propose(t, bob, command, prepare(s))
		return s.sent("chat.postMessage", func(args map[string]string) bool { return args["channel"] == channel })
	}}
}

// addScanOf adds a scan with a name and a target to the simulated tenant and returns its ID.
func (s *stack) addScanOf(name, target string) (id string) {
	return s.Tenant.AddScan(map[string]any{
		"scanType": "Network", "scanName": name, "isActive": true, "target": target, "intervalInHours": 8,
		"targetType": "Ip", "scannerAgent": map[string]any{"machineId": s.Scanner},
	})
}

func questionScenes() []goldenCase {
	scan := func(text string) func(*stack) string {
		return func(s *stack) string { return s.addScan("Core switches") + text }
	}
	twoVotes := question("question-two-approvals", "/update_scan", scan(" isActive=false"))
	twoVotes.opts.policy = twoPeople
	return []goldenCase{
		question("question-add", "/add_scan", func(s *stack) string { return s.newScan("Core switches") }),
		question("question-update", "/update_scan", func(s *stack) string {
			s.addScanOf("Branch switches", "192.0.2.32-192.0.2.33")
			return s.addScanOf("Core switches", "192.0.2.10,192.0.2.11,192.0.2.12") + " intervalInHours=24 target=192.0.2.10,192.0.2.11,192.0.2.13,192.0.2.32/30"
		}),
		question("question-credential", "/update_scan", scan(keyVault)),
		question("question-delete-one", "/delete_scans", scan("")),
		question("question-delete-many", "/delete_scans", func(s *stack) string {
			return strings.Join([]string{s.addScan("One"), s.addScan("Two"), s.addScan("Three")}, " ")
		}),
		question("question-too-long", "/delete_scans", func(s *stack) string {
			list, _ := addressList(1500)
			return s.addScanOf("Wide", list)
		}),
		question("question-hostile-name", "/delete_scans", func(s *stack) string {
			return s.addScan("Core\u201d, for good? <!channel> *bold* :tada:")
		}),
		twoVotes,
	}
}

// outcome returns a scene about an update that end brings to its end. The message then contains words, and its thread has the request
// with the receipt, and the outcome for the requester.
func outcome(name string, end func(t *testing.T, s *stack, q slacktest.Message, scan string), words ...string) goldenCase {
	return goldenCase{name: name, play: func(t *testing.T, s *stack) []slacktest.Call {
		scan := s.addScan("Core switches")
		q := s.propose(t, bob, "/update_scan", `"Core switches" intervalInHours=24`)
		s.Advance(time.Minute)
		end(t, s, q, scan)
		last := s.lastUpdate(t, q, words...)
		if s.changeOf(t, q).State.Open() {
			return []slacktest.Call{last}
		}
		return append([]slacktest.Call{last}, s.inThread(q, "your change")...)
	}}
}

// changeOf returns the change of a confirmation message that may have no buttons left.
func (s *stack) changeOf(t *testing.T, q slacktest.Message) confirm.Change {
	t.Helper()
	c, err := s.Gate.Change(t.Context(), q.Buttons()[0].Value)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// recoverChanges runs the Gate's recovery until the test ends.
func (s *stack) recoverChanges(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Gate.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
}

// approveAfter returns an end of a scene: something happens to the tenant, and then the change is approved.
func approveAfter(happens func(s *stack, scan string)) func(*testing.T, *stack, slacktest.Message, string) {
	return func(t *testing.T, s *stack, q slacktest.Message, scan string) {
		happens(s, scan)
		mustAck(t, s.slack.Click(ada, q, "approve_change"))
	}
}

func outcomeScenes() []goldenCase {
	cannotExecute := func(cfg *confirm.Config) {
		cfg.CanExecute = func(_ context.Context, c confirm.Change) error {
			if c.State == confirm.Approved {
				return errors.New("another server has the credential")
			}
			return nil
		}
	}
	waiting := outcome("being-sent", approveAfter(func(*stack, string) {}), "Being sent")
	waiting.opts.gate = cannotExecute
	late := outcome("expired-unsent", func(t *testing.T, s *stack, q slacktest.Message, _ string) {
		mustAck(t, s.slack.Click(ada, q, "approve_change"))
		s.waitUpdate(t, q, "Being sent")
		s.Advance(15 * time.Minute)
		s.recoverChanges(t)
	}, "Expired")
	late.opts.gate = cannotExecute
	firstVote := outcome("first-of-two-approvals", approveAfter(func(*stack, string) {}), "1 of 2 approvals")
	firstVote.opts.policy = twoPeople
	return []goldenCase{
		outcome("applied", approveAfter(func(*stack, string) {}), "Applied"),
		outcome("failed", approveAfter(func(s *stack, _ string) {
			s.Tenant.Fail(defendertest.Fault{Method: "PATCH", Status: 403, Code: "Forbidden", Message: "The role is missing."})
		}), "Failed"),
		outcome("unknown", approveAfter(func(s *stack, _ string) { s.Tenant.Fail(defendertest.Fault{Method: "PATCH", Drop: true}) }), "Unknown"),
		outcome("stale", approveAfter(func(s *stack, scan string) {
			s.Tenant.Edit(scan, map[string]any{"intervalInHours": 8, "isActive": false})
		}), "Not sent"),
		outcome("denied", func(t *testing.T, s *stack, q slacktest.Message, _ string) {
			mustAck(t, s.slack.Click(eve, q, "deny_change"))
			modal := s.slack.WaitView(eve, func(v slacktest.View) bool { return v.CallbackID == "deny_change" })
			mustAck(t, s.slack.Submit(eve, modal, map[string]any{"reason": "Still in use until *Friday*."}))
		}, "Denied"),
		outcome("expired", func(t *testing.T, s *stack, q slacktest.Message, _ string) {
			s.Advance(15 * time.Minute)
			s.changeOf(t, q) // the Gate expires what it reads
		}, "Expired"),
		outcome("withdrawn", func(t *testing.T, s *stack, q slacktest.Message, _ string) {
			c := s.changeOf(t, q)
			if _, err := s.Gate.Withdraw(t.Context(), c.ID, confirm.Requester{Principal: c.Requester}); err != nil {
				t.Fatal(err)
			}
		}, "Withdrawn"),
		waiting, late, firstVote,
	}
}

func otherScenes() []goldenCase {
	return []goldenCase{
		{name: "reminder", play: func(t *testing.T, s *stack) []slacktest.Call {
			q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
			s.Advance(8 * time.Minute)
			return s.inThread(q, "Half of the time is gone")
		}},
		{name: "deny-modal", play: func(t *testing.T, s *stack) []slacktest.Call {
			q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
			mustAck(t, s.slack.Click(ada, q, "deny_change"))
			s.slack.WaitView(ada, func(v slacktest.View) bool { return v.CallbackID == "deny_change" })
			calls := s.sent("views.open", func(args map[string]string) bool { return strings.Contains(args["view"], "deny_change") })
			for _, c := range calls {
				delete(c.Args, "trigger_id")
			}
			return calls
		}},
		{name: "reply-to-requester", play: func(t *testing.T, s *stack) []slacktest.Call {
			s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
			s.waitReply(t, bob, "Asked: ")
			return s.sent("response_url", func(args map[string]string) bool { return strings.Contains(args["blocks"], "Asked: ") })
		}},
		{name: "home", play: func(t *testing.T, s *stack) []slacktest.Call {
			s.addScan("Core switches")
			decided := s.propose(t, bob, "/delete_scans", `"Core switches"`)
			mustAck(t, s.slack.Click(ada, decided, "approve_change"))
			s.waitUpdate(t, decided, "applied")
			s.Advance(time.Minute)
			s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
			mustAck(t, s.slack.OpenHome(ada))
			s.slack.WaitHome(ada, func(v slacktest.View) bool { return containsAll(v.All(), "Waiting for you", "Code: ") })
			return s.sent("views.publish", func(map[string]string) bool { return true })
		}},
		{name: "home-empty", play: func(t *testing.T, s *stack) []slacktest.Call {
			mustAck(t, s.slack.OpenHome(ada))
			s.slack.WaitHome(ada, nil)
			return s.sent("views.publish", func(map[string]string) bool { return true })
		}},
	}
}
