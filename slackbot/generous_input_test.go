package slackbot_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"scanwarden/slackbot/slacktest"
)

// TestCommandsTakeWhatMCPTakes: JSON text for objects, words for true and false, other names of a scanner, and targets as
// people paste them.
func TestCommandsTakeWhatMCPTakes(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	for name, text := range map[string]string{
		"JSON text": `scannerAgent={"machineId":"` + s.Scanner + `"} scanAuthenticationParams='{"type": "NoAuthNoPriv", "username": "scanner"}' target=10.20.30.1–3 intervalInHours=4 isActive=no`,
		"names":     `scannerAgent.name=scanner-1.example.com scanAuthenticationParams.type=noauthnopriv scanAuthenticationParams.username=scanner target="10.20.30.1 – 10.20.30.3" intervalInHours="4" isActive=FALSE`,
		"lines":     "scannerAgent={\"id\":\"\",\"machineId\":\"" + s.Scanner + "\"} scanAuthenticationParams.type=NoAuthNoPriv scanAuthenticationParams.username=scanner credential=\"\" target=“10.20.30.1;\n10.20.30.2-3” intervalInHours=4 isActive=off",
	} {
		q := s.propose(t, bob, "/add_scan", `scanType=network scanName="`+name+`" `+text)
		target := "10.20.30.1-10.20.30.3"
		if name == "lines" {
			target = "10.20.30.1,10.20.30.2-10.20.30.3"
		}
		if !containsAll(strings.Join(strings.Fields(q.All()), " "), name, target, "isActive false", s.Scanner, "3 addresses") {
			t.Errorf("%s: %s", name, q.All())
		}
	}
}

// TestAFormTakesListsAsPeoplePasteThem into its one line.
func TestAFormTakesListsAsPeoplePasteThem(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	mustAck(t, s.slack.Command(bob, channel, "/add-scan", ""))
	form := s.slack.WaitView(bob, func(v slacktest.View) bool { return v.CallbackID == "add_scan" && len(v.Inputs()) > 0 })
	mustAck(t, s.slack.Submit(bob, form, map[string]any{
		"scanType": "Network", "scanName": "Printers", "target": "• 10.0.0.1 • 10.0.0.2\u00a0–\u00a010.0.0.9;", "intervalInHours": "4",
		"scannerAgent.machineId": s.Scanner, "scanAuthenticationParams.type": "NoAuthNoPriv", "scanAuthenticationParams.username": "scanner",
	}))
	s.slack.WaitMessage(channel, func(m slacktest.Message) bool {
		return containsAll(m.All(), "Printers", "Code: ", "10.0.0.1,10.0.0.2-10.0.0.9")
	})
}

// TestNoSecretIsRepeatedInSlack: a secret in any field of a command or a form is in no message, log or ledger. Its field is
// refused by name where the text names it, and the refusal is logged without it.
func TestNoSecretIsRepeatedInSlack(t *testing.T) {
	t.Parallel()
	const canary = "canary-51ac-do-not-leak"
	s := newStack(t, options{})
	const secret = "is a secret and is not taken here"
	for text, want := range map[string]string{
		s.newScan("a") + ` credential=` + canary:                                           "credential does not name one",
		s.newScan("b") + ` credential={"communityString":"` + canary + `"}`:                secret,
		s.newScan("c") + ` scanAuthenticationParams={"authPassword":"` + canary + `"}`:     secret,
		s.newScan("d") + ` scanAuthenticationParams.` + canary + `=1`:                      "does not know",
		s.newScan("e") + ` scanAuthenticationParams.keyVaultUrl=` + canary:                 "keyVaultUrl",
		s.newScan("f") + ` scanAuthenticationParams.authProtocol=` + canary:                "authProtocol",
		s.newScan("g") + ` credential.password=` + canary:                                  secret,
		s.newScan("h") + ` nosuch='communityString: ` + canary + `'`:                       secret,
		s.newScan("i") + ` ` + canary:                                                      "a word without a name",
		s.newScan("j") + ` password: ` + canary:                                            secret,
		s.newScan("k") + ` scanName=x communityString=` + canary:                           secret,
		`{"scanName":"x","scanAuthenticationParams":{"privPassword":"` + canary + `"}}`:    secret,
		`scanName="open authPassword=` + canary:                                            secret,
		strings.Replace(s.newScan("l"), "type=NoAuthNoPriv", "type="+canary, 1):            "scanAuthenticationParams.type must be one of",
		strings.Replace(s.newScan("m"), "target=", `target={"password":"`+canary+`"},`, 1): secret,
		s.newScan("n") + ` ` + canary + `=1 ` + canary + `=2`:                              "a field is given twice",
		s.newScan("o") + ` scanAuthenticationParams.@odata.type=` + canary:                 "does not fit a Network scan",
	} {
		before := len(s.slack.Messages(channel))
		mustAck(t, s.slack.Command(bob, channel, "/add_scan", text))
		s.slack.Wait("an answer", func() bool { return len(s.slack.Messages(channel)) > before })
		all := s.slack.Messages(channel)
		if got := all[len(all)-1].All(); !strings.Contains(got, want) || strings.Contains(got, canary) {
			t.Errorf("%s: %s", text, got)
		}
	}
	mustAck(t, s.slack.Command(bob, channel, "/add-scan", ""))
	form := s.slack.WaitView(bob, func(v slacktest.View) bool { return v.CallbackID == "add_scan" && len(v.Inputs()) > 0 })
	for field, want := range map[string]string{
		"scanName": secret, "target": secret, "scanAuthenticationParams.username": secret, "scanAuthenticationParams.keyVaultUrl": secret,
	} {
		values := map[string]any{
			"scanType": "Network", "scanName": "x", "target": "10.0.0.1", "intervalInHours": "4", "scannerAgent.machineId": s.Scanner,
			"scanAuthenticationParams.type": "NoAuthNoPriv", "scanAuthenticationParams.username": "scanner",
		}
		values[field] = `{"communityString": "` + canary + `"}`
		got := mustAck(t, s.slack.Submit(bob, form, values))
		if !strings.Contains(string(got.Body), want) || strings.Contains(string(got.Body), canary) {
			t.Errorf("%s: %s", field, got.Body)
		}
	}
	if log := s.log.String(); strings.Contains(log, canary) || !strings.Contains(log, "msg=refused tool=add_scan by=slack:"+team+"/"+bob) {
		t.Errorf("the log repeats the secret, or has no refusals:\n%s", log)
	}
	s.wantOpen(t, bob, 0)
	files, err := fs.Glob(os.DirFS(s.Dir), "*")
	if err != nil || len(files) == 0 {
		t.Fatal("there is no ledger", err)
	}
	for _, name := range files {
		if data, err := os.ReadFile(filepath.Join(s.Dir, name)); err != nil || strings.Contains(string(data), canary) {
			t.Errorf("%s repeats the secret: %v", name, err)
		}
	}
}
