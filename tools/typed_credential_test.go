package tools_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"scanwarden/confirm"
	"scanwarden/defender"
	"scanwarden/defender/defendertest"
	"scanwarden/tools"
)

// askScan returns labScan with these scanAuthenticationParams, and a credential that the approver types.
func askScan(t testing.TB, params string) string {
	t.Helper()
	return withFields(t, labScan, map[string]any{"credential": "ask", "scanAuthenticationParams": json.RawMessage(params)})
}

const askAuthPriv = `{"type":"AuthPriv","username":"scanner","authProtocol":"SHA1","privProtocol":"AES"}`

// TestAnAskedCredentialIsPlanned: the body has the public parts, the approver sees who types the rest, and rules see "ask".
func TestAnAskedCredentialIsPlanned(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	p := s.plan("add_scan", askScan(t, askAuthPriv))
	wantWords(t, string(p.Request.Body), `"type":"AuthPriv","username":"scanner","authProtocol":"SHA1","privProtocol":"AES","credential":"ask"}`)
	wantWords(t, planField(t, p.Subjects[0], "credential").After, "typed by the approver on the page (AuthPriv, user scanner)")
	wantWords(t, tools.Render(confirm.Change{Proposal: p}), "typed by the approver on the page")
	if p.Facts.Credential != "ask" {
		t.Errorf("rules see the credential %q", p.Facts.Credential)
	}
	if got := tools.TypedParts(confirm.Change{Proposal: p}); !slices.Equal(got, []string{"authPassword", "privPassword"}) {
		t.Errorf("the approver types %v", got)
	}
	p = s.plan("update_scan", `{"id":"Core switches","credential":" Ask ","scanAuthenticationParams":{"type":"CommunityString"}}`)
	wantWords(t, planField(t, p.Subjects[0], "credential").After, "replaced, typed by the approver on the page (CommunityString)")
	wantWords(t, p.Summary, "credential")
	if !p.Facts.ReplacesSecret || !slices.Equal(tools.TypedParts(confirm.Change{Proposal: p}), []string{"communityString"}) {
		t.Errorf("facts %+v, typed %v", p.Facts, tools.TypedParts(confirm.Change{Proposal: p}))
	}
	for name, args := range map[string]string{"a named one": labScan, "none": withFields(t, labScan, map[string]any{
		"credential": nil, "scanAuthenticationParams": json.RawMessage(`{"type":"NoAuthNoPriv","username":"scanner"}`)})} {
		if got := tools.TypedParts(confirm.Change{Proposal: s.plan("add_scan", args)}); got != nil {
			t.Errorf("with %s credential the approver types %v", name, got)
		}
	}
}

func TestAskedCredentialRefusals(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	const in = "scanAuthenticationParams."
	for _, c := range []struct {
		args, field string
		words       []string
	}{
		{withFields(t, labScan, map[string]any{"credential": "ask"}), in + "type", []string{"is missing", "CommunityString, AuthNoPriv, AuthPriv"}},
		{`{"id":"Core switches","credential":"ask"}`, in + "type", []string{"is missing"}},
		{askScan(t, `{"type":"NoAuthNoPriv","username":"a"}`), "credential", []string{"has no secret that an approver could type", "leave credential out"}},
		{askScan(t, `{"type":"AuthPriv","username":"a","authProtocol":"SHA1"}`), in + "privProtocol", []string{"is missing: AuthPriv needs it"}},
		{askScan(t, `{"type":"AuthNoPriv","authProtocol":"SHA1"}`), in + "username", []string{"is missing"}},
		{askScan(t, `{"type":"CommunityString","username":"a"}`), in + "username", []string{"does not belong to CommunityString"}},
		{askScan(t, `{"type":"AuthPriv","keyVaultUrl":"https://snmp.vault.azure.net/","keyVaultSecretName":"x"}`), "credential", []string{"exclude each other"}},
		{withFields(t, askScan(t, `{"type":"Kerberos","username":"a","domain":"b","isGmsaUser":true}`), map[string]any{"scanType": "Windows"}),
			"credential", []string{"has no use for a Windows scan", "without a password"}},
		{askScan(t, `{"type":"CommunityString","communityString":"`+canary+`"}`), "communityString", []string{"is a secret and is not taken here"}},
	} {
		args := c.args
		operation := "add_scan"
		if strings.HasPrefix(args, `{"id"`) {
			operation = "update_scan"
		}
		r := s.planRefused(operation, args)
		if r.Field != c.field {
			t.Errorf("%s: field %q, want %q", args, r.Field, c.field)
		}
		wantWords(t, r.Error(), c.words...)
		if strings.Contains(r.Error(), canary) {
			t.Errorf("the refusal repeats the secret: %v", r)
		}
	}
}

// TestAnAskedCredentialIsDecidedOnThePage: it narrows the channels to the page, and without one it is refused, by name of the
// page and the setting.
func TestAnAskedCredentialIsDecidedOnThePage(t *testing.T) {
	s := newStackWithGate(t)
	propose := func(channels, fallback []confirm.Channel) (confirm.Change, error) {
		by := confirm.Requester{Principal: ada, Source: confirm.SourceHTTP, Channels: channels, Fallback: fallback}
		return s.Service.Propose(t.Context(), by, "add_scan", json.RawMessage(askScan(t, askAuthPriv)))
	}
	for _, channels := range [][]confirm.Channel{{confirm.Slack}, {confirm.Client, confirm.Slack, confirm.Terminal}} {
		_, err := propose(channels, nil)
		var refused *tools.Refusal
		if !errors.As(err, &refused) || refused.Field != "credential" {
			t.Errorf("on %v: %v", channels, err)
			continue
		}
		wantWords(t, err.Error(), "on the confirmation page", "nobody can be asked there", "SCANWARDEN_CONFIRM_WITH")
	}
	for _, channels := range [][2][]confirm.Channel{{{confirm.Client, confirm.Slack, confirm.WebPage}, nil}, {{confirm.Slack}, {confirm.WebPage, confirm.Terminal}}} {
		c, err := propose(channels[0], channels[1])
		if err != nil {
			t.Fatalf("on %v: %v", channels, err)
		}
		if !slices.Equal(c.Channels, []confirm.Channel{confirm.WebPage}) {
			t.Errorf("on %v it is put to %v", channels, c.Channels)
		}
		_, err = s.Gate.Decide(t.Context(), c.ID, confirm.Vote{Principal: bob, Approve: true, Channel: confirm.Slack})
		if !errors.Is(err, confirm.ErrRefused) {
			t.Errorf("an approval in Slack: %v", err)
		}
	}
}

// typedChange returns a change of a CommunityString that an approver types, with the given id.
func typedChange(t testing.TB, id string, left time.Duration) confirm.Change {
	t.Helper()
	hours := 4
	w, err := defender.AddScan(defender.Scan{
		ScanType: "Network", ScanName: "Lab", Target: "10.1.2.3", IntervalInHours: &hours, TargetType: "Ip", MachineID: hq,
		ScanAuthenticationParams: &defender.Authentication{Type: "CommunityString", Credential: tools.AskCredential},
	})
	if err != nil {
		t.Fatal(err)
	}
	return confirm.Change{
		ID: id, Digest: "sha256:" + id, State: confirm.Pending, Expires: time.Now().Add(left),
		Proposal: confirm.Proposal{Request: confirm.Request{Method: w.Method, Path: w.Path, Body: w.Body}},
	}
}

var community = map[string]string{"communityString": canary}

// TestTypedSecretsEndWithTheChange: at its expiry, and at a transition to an end. A transition that leads on keeps them.
func TestTypedSecretsEndWithTheChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var held tools.TypedSecrets
		c := typedChange(t, "a", 15*time.Minute)
		if _, err := held.Hold(c, community); err != nil {
			t.Fatal(err)
		}
		for _, state := range []confirm.State{confirm.Pending, confirm.Approved, confirm.Executing} {
			c.State = state
			if held.Forget(c); held.Check(c) != nil {
				t.Errorf("they are gone when the change becomes %s", state)
			}
		}
		time.Sleep(15*time.Minute - time.Second)
		synctest.Wait()
		if held.Check(c) != nil {
			t.Error("they are gone before the change expires")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if held.Len() != 0 || held.Check(c) == nil {
			t.Error("they outlive the change")
		}
		for _, state := range []confirm.State{
			confirm.Applied, confirm.Failed, confirm.Unknown, confirm.Denied, confirm.Expired, confirm.Withdrawn, confirm.Stale,
		} {
			c := typedChange(t, string(state), time.Minute)
			if _, err := held.Hold(c, community); err != nil {
				t.Fatal(err)
			}
			c.State = state
			if held.Forget(c); held.Len() != 0 {
				t.Errorf("they outlive the end as %s", state)
			}
		}
	})
}

// TestTypedSecretsAreBounded in number and size, belong to one digest, and are held once.
func TestTypedSecretsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var held tools.TypedSecrets
		for name, values := range map[string]map[string]string{
			"none": nil, "another part": {"authPassword": "x"}, "one too many": {"communityString": "x", "authPassword": "x"},
			"empty": {"communityString": ""}, "too long": {"communityString": strings.Repeat("x", 1025)}, "a control character": {"communityString": canary + "\x1b"},
		} {
			if _, err := held.Hold(typedChange(t, "a", time.Minute), values); err == nil || strings.Contains(err.Error(), canary) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := held.Hold(typedChange(t, "a", 0), community); err == nil {
			t.Error("held for a change that has expired")
		}
		drop, err := held.Hold(typedChange(t, "a", time.Minute), community)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := held.Hold(typedChange(t, "a", time.Minute), community); err == nil {
			t.Error("held twice for one change")
		}
		altered := typedChange(t, "a", time.Minute)
		altered.Digest = "sha256:other"
		if held.Check(altered) == nil {
			t.Error("held for a change of another digest")
		}
		for i := range 99 {
			if _, err := held.Hold(typedChange(t, fmt.Sprint(i), time.Minute), community); err != nil {
				t.Fatalf("number %d: %v", i, err)
			}
		}
		if _, err := held.Hold(typedChange(t, "b", time.Minute), community); err == nil || !strings.Contains(err.Error(), "too many") {
			t.Errorf("number 101: %v", err)
		}
		if drop(); held.Len() != 99 {
			t.Errorf("%d are held after one was dropped", held.Len())
		}
		if shown := fmt.Sprintf("%v %+v %#v", &held, &held, &held); strings.Contains(shown, canary) {
			t.Error("a printer shows what is held")
		}
	})
}
