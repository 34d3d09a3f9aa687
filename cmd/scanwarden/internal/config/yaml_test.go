package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
)

// ruleFile returns a file with one rule that has this text after "when:".
func ruleFile(when string) string {
	return "policy:\n  rules:\n    - name: large\n      approvals: 2\n      when: " + when + "\n    - {name: other, when: agent, approvals: 2}\n"
}

// TestConfigFileMistakes: frequent mistakes are reported with line and column, and with what to write instead.
func TestConfigFileMistakes(t *testing.T) {
	t.Parallel()
	const quoted = "; put the whole expression in single quotes: when: '...'"
	for file, want := range map[string]string{
		// A name that is none.
		"policy: {approvals_required: {delete_scan: 2}}": `line 1, column 31: policy.approvals_required: "delete_scan" is not a tool that changes anything; name one of add_scan, update_scan, delete_scans; did you mean delete_scans?`,
		"policy:\n  approvals_required: {list: 2}":       `line 2, column 24: policy.approvals_required: "list" is not a tool that changes anything; name one of add_scan, update_scan, delete_scans`,

		// A condition that YAML does not take as one text.
		ruleFile(`"Branch routers" in scans`):     `line 5, column 13: nothing may follow the closing quote` + quoted,
		ruleFile(`'a' in scans`):                  `line 5, column 13: nothing may follow the closing quote` + quoted,
		ruleFile(`["a"] == scans`):                `line 5, column 13: YAML cannot read this condition` + quoted,
		ruleFile(`operation == "a: b"`):           `line 5, column 13: YAML cannot read this condition` + quoted,
		ruleFile(`!agent && count > 3`):           `line 5, column 13: YAML cannot read this condition` + quoted,
		ruleFile(`!agent || count > 3`):           `line 5, column 13: YAML cannot read this condition` + quoted,
		ruleFile(`'count > 3`):                    `line 5, column 13: a quote is opened and not closed; close it`,
		ruleFile(`!agent`):                        `line 5, column 13: ` + tagHint,
		ruleFile(`! agent`):                       `line 5, column 13: ` + tagHint,
		ruleFile(`!(count > 3)`):                  `line 5, column 13: YAML cannot read this condition` + quoted,
		"policy: {rules: [{when: !agent, a: 1}]}": `line 1, column 25: YAML cannot read this condition` + quoted,
		"policy:\n  rules: [\n    {name: a, when: agent, approvals: 2},\n    {name: b, when: \"x\" in scans, approvals: 2}]\n": `line 4, column 21: nothing may follow the closing quote` + quoted,
		"policy:\n  rules:\n  - {name: a, when: scans.exists(s, s == \"x\"), approvals: 2}":                                    `line 3, column 37: "s == \"x\")" is no key: in { }, a comma ends a value; put the whole expression before it in single quotes`,
		ruleFile(""): `line 5, column 12: when of the rule "large" must be a text, and this is empty`,

		// A condition on several lines.
		ruleFile("|\n        count > 3 &&\n        cnt > 4"):       `policy.rules: line 7, column 9: in the condition of "large", "cnt" is not known`,
		ruleFile("|\n\n        count > 3 &&\n          cnt > 4"):   `policy.rules: line 8, column 11: in the condition of "large", "cnt" is not known`,
		ruleFile("|2-\n         count > 3 &&\n        cnt > 4"):    `policy.rules: line 7, column 9: in the condition of "large", "cnt" is not known`,
		ruleFile(">-\n        cnt > 3 &&\n        count > 4"):      `policy.rules: line 6, column 9: in the condition of "large", "cnt" is not known`,
		ruleFile(">-\n        count > 3 &&\n        count >= cnt"): `policy.rules: line 7, column 18: in the condition of "large", "cnt" is not known`,
		ruleFile(">\n\n        count > 3 && cnt"):                  `policy.rules: line 7, column 22: in the condition of "large", "cnt" is not known`,

		// YAML itself.
		"auth: \"client\npolicy: {}":                             `line 1, column 7: a quote is opened and not closed; close it`,
		"policy:\n\texpires: 15m":                                `line 2, column 1: here is a tab; indent with spaces`,
		"policy:\n  rules:\n  \t- name: x":                       `line 3, column 3: here is a tab; indent with spaces`,
		"auth: client\npolicy: {}\nauth: client":                 `line 3, column 1: "auth" appears twice, the first time on line 1; keep one`,
		"policy: {expires: 1m,\n expires: 2m}\nauth: 1\nauth: 2": `line 2, column 2: "expires" appears twice, the first time on line 1; keep one; line 4, column 1: "auth" appears twice, the first time on line 3; keep one`,
		"auth: client\n\n---\nauth: client":                      `line 3, column 1: a second document begins here; keep one of them, and remove the line ---`,
		"policy:\n   expires: 15m\n  self_approval: true":        `line 3, column 3: this does not continue the lines above; indent the line like its neighbors`,
		"policy:\n  approvers: [token:ada\npeople: []":           `line 2, column 3: a list in [ ] is not closed, or a comma is missing in it; correct it`,
		"policy: {expires: 15m\nauth: client":                    `line 1, column 1: a mapping in { } is not closed, or a comma is missing in it; correct it`,
		"policy:\n  approvers: @ada":                             `line 2, column 3: a value cannot begin like this; put it in single quotes`,
		"policy:\n  approvers: *ada":                             `line 2, column 3: a value that begins with * repeats another one, and there is none of this name; put it in single quotes`,
		"policy:\n  approvers:\n  - token:a\n  \t- token:b":      `line 4, column 3: here is a tab; indent with spaces`,
		"policy:\n  rules:\n    - name: x\n     when: 'agent'":   `line 4, column 6: this does not continue the list above; indent the line like its neighbors`,
		"http: {tokens: {1: {env: A}}}":                          `line 1, column 17: a key must be a text, and this is none; put it in quotes`,
		"policy: [":                                              `line 1, column 1: a value is missing, or a list in [ ] or a mapping in { } is not closed; correct it`,
		"slack:\n  channel: \"C1\" x":                            `line 2, column 12: nothing may follow the closing quote; put the whole value in single quotes`,
		"http:\n  tokens: {ada: !hunter2}":                       `line 2, column 3: ` + tagHint,

		// Values of another kind.
		"policy: {max_scans_per_delete: 2.5}":                                               `line 1, column 32: policy.max_scans_per_delete must be a whole number, and this is a fraction`,
		"policy: {max_scans_per_delete: 99999999999999999999}":                              `line 1, column 1: the value is out of bounds; correct it`,
		"policy: {expires: 15}":                                                             `line 1, column 19: policy.expires needs a unit; write 15m for minutes`,
		"policy: {expires: 99999999999h}":                                                   `line 1, column 1: the value is out of bounds; correct it`,
		"policy: {self_approval: yes}":                                                      `line 1, column 25: policy.self_approval must be true or false; write one of these two words, without quotes`,
		"policy: {approvals_required: {add_scan: 11}}":                                      `line 1, column 41: policy.approvals_required.add_scan must be 10 or less`,
		"confirm_with: [client, email]":                                                     `line 1, column 24: the second entry of confirm_with must be one of client, page, slack, terminal`,
		"policy: {approvers: [ada]}":                                                        `line 1, column 22: the first entry of policy.approvers is not a principal; write slack:TEAM/USER, slack-group:ID, entra:TENANT/OBJECT, entra-role:NAME, token:NAME or local:USER`,
		"people: [{name: Ada, principals: []}]":                                             `line 1, column 34: principals of the person "Ada" is empty; list one at least, such as slack:TEAM/USER`,
		"people: [{name: Ada, principals: [x]}]":                                            `line 1, column 35: the first entry of principals of the person "Ada" is not a principal; write slack:TEAM/USER, entra:TENANT/OBJECT, token:NAME or local:USER`,
		"policy: {rules: [{name: x, when: agent, refuse: ''}]}":                             `line 1, column 49: refuse of the rule "x" is empty; say why such a change is refused, and what to do`,
		"policy: {rules: [{name: x, when: agent, approvals: 1}]}":                           `line 1, column 52: approvals of the rule "x" must be 2 or more`,
		"policy: {rules: [{name: x, when: agent, authentication_context: c100}]}":           `line 1, column 65: authentication_context of the rule "x" is not an authentication context; write c1 to c99, as in Microsoft Entra`,
		"policy: {rules: [{name: x, when: agent, authentication_context: c1, refuse: no}]}": `line 1, column 18: a rule needs either approvals or refuse: give one of the two, not both; authentication_context can stand`,
		"policy: {rules: [{name: '', when: agent, approvals: 2}]}":                          `line 1, column 25: name of the first rule is empty; give one that people will recognize`,
		"policy: {rules: [x]}":                                                              `line 1, column 18: the first rule must be a mapping, and this is a text`,
	} {
		checkFileMistake(t, file, want)
	}
}

// checkFileMistake checks that the file is refused with a text that begins with want.
func checkFileMistake(t *testing.T, file, want string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "scanwarden.yaml")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Load(Environment{"SCANWARDEN_CONFIG": path}, nil)
	if err == nil {
		t.Errorf("no mistake:\n%s", file)
		return
	}
	got := strings.TrimPrefix(err.Error(), "configuration file "+path+": ")
	if !strings.HasPrefix(got, want) || strings.Contains(got, "hunter2") {
		t.Errorf("of\n%s\ngot  %s\nwant %s", file, got, want)
	}
}

// TestConfigOrigins: a mistake that only the whole configuration shows is reported at the line of the value.
func TestConfigOrigins(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"policy:\n  approvers: [token:ada, slack:U024BE7LH]":         `line 2, column 26: policy.approvers: "slack:U024BE7LH" is incomplete; write slack:TEAM/USER`,
		"policy:\n  requesters:\n  - token:ada\n  - 'slack:t1/u1'":   `line 4, column 5: policy.requesters: "slack:t1/u1" is not in capitals; Slack's ids are`,
		"policy:\n  expires: 900ms":                                  `line 2, column 12: policy.expires: 900ms is out of bounds; write a Go duration from 1s to 168h (7 days), such as 15m`,
		"retention: 23h":                                             `line 1, column 12: retention: 23h0m0s is out of bounds; write a Go duration from 24h to 87600h (10 years), such as 2160h, or 0h to keep all changes`,
		"retention: 87601h":                                          `line 1, column 12: retention: 87601h0m0s is out of bounds`,
		"retention: 90":                                              `line 1, column 12: retention needs a unit; write 90h for hours`,
		"retention: 90d":                                             `line 1, column 12: retention is not a duration; write a Go duration from 24h to 87600h`,
		"policy:\n  expires: 200h":                                   `line 2, column 12: policy.expires: 200h0m0s is out of bounds`,
		"confirm_with: [page, client, page]":                         `line 1, column 30: confirm_with: page is named twice; name each channel once`,
		"confirm_with:\n- client\n- slack":                           `line 3, column 3: confirm_with: slack is named, and Slack is not configured`,
		"defender:\n  url: http://example.com":                       `line 2, column 8: defender.url: `,
		"defender:\n  cloud: gcc\n  region: eu":                      `line 3, column 11: defender.region: region "eu" cannot be combined with cloud "gcc"`,
		"database_url: mysql://h/d":                                  `line 1, column 15: database_url: write sqlite:PATH`,
		"slack:\n  channel: '#scans'":                                `line 2, column 12: slack.channel: "#scans" is a name, and Slack knows channels by their ids; open`,
		"slack:\n  commands: {list: /x}":                             `line 2, column 20: slack.commands: "list" has no slash command`,
		"slack: {link_accounts: true}":                               `line 1, column 24: slack.link_accounts: Slack is not configured`,
		"http: {listen: '8484'}":                                     `line 1, column 16: http.listen: "8484" is not HOST:PORT`,
		"http: {public_url: 'http://example.com'}":                   `line 1, column 20: http.public_url: write https://`,
		"http:\n  tokens:\n    ada l: {env: A}":                      `line 3, column 5: http.tokens: "ada l" has a blank or a slash in it; take it out`,
		"http:\n  agent_tokens: [robot]":                             `line 2, column 3: http.agent_tokens: "robot" is no name in http.tokens`,
		"http:\n  tokens:\n    ada/l: {env: A}":                      `line 3, column 5: http.tokens: "ada/l" has a blank or a slash in it; take it out`,
		"credentials:\n  core:\n    type: AuthPriv\n    username: x": `line 2, column 3: credentials: credential`,
		"people:\n- name: Ada\n  principals: [slack-group:S1]":       `line 3, column 16: people: Ada: "slack-group:S1" is not a principal; begin it with one of slack:, entra:, token:, local:`,
		"people:\n- name: ''\n  principals: [token:a]":               `line 2, column 3: people: each person needs a name`,
		"people:\n- {name: A, principals: [token:a]}\n- name: B\n  principals:\n  - token:b\n  - token:a": `line 6, column 5: people: "token:a" belongs to both "A" and "B"; list it once`,
		"x: &a\n  url: http://example.com\ndefender: *a":                                                  `line 1, column 1: unknown key "x"`,
		"auth: on-behalf-of": `line 1, column 7: auth: on-behalf-of needs callers who sign in`,

		"credentials:\n  Ask: {type: CommunityString, communityString: {env: A}}": `line 2, column 3: credentials: a credential cannot be called "Ask", which has an approver type one; choose another name`,
	} {
		checkFileMistake(t, file, want)
	}
}

// TestConfigOriginsOfOthers: a value of the environment or a flag is reported by the name of the variable or flag.
func TestConfigOriginsOfOthers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		env   Environment
		flags Flags
		want  string
	}{
		"environment":  {Environment{"SCANWARDEN_LISTEN": "8485"}, nil, `http.listen (SCANWARDEN_LISTEN): "8485" is not`},
		"flag":         {Environment{"SCANWARDEN_LISTEN": "8485"}, Flags{"SCANWARDEN_LISTEN": "8486"}, `http.listen (--listen): "8486" is not`},
		"nothing does": {Environment{"SCANWARDEN_LISTEN": "127.0.0.1:1", "SCANWARDEN_AUTH": "on-behalf-of", "SCANWARDEN_HTTP_CLIENT_ID": "x"}, nil, `http.client_id (SCANWARDEN_HTTP_CLIENT_ID): with auth`},
	} {
		path := filepath.Join(t.TempDir(), "scanwarden.yaml")
		if err := os.WriteFile(path, []byte("http: {listen: '8484'}"), 0o600); err != nil {
			t.Fatal(err)
		}
		tt.env["SCANWARDEN_CONFIG"] = path
		if _, err := Load(tt.env, tt.flags); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", name, err, tt.want)
		}
	}
}

// TestConfigFileOfAnyKind: a large file of another kind is refused with a short message.
func TestConfigFileOfAnyKind(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{
		"a list that is not closed": "policy: {approvers: [a,\n" + strings.Repeat(" b,\n", 500),
		"unknown keys":              manyKeys(500),
		"a key again and again":     strings.Repeat("auth: client\n", 500),
	} {
		if err := (&Config{}).applyYAML([]byte(file)); err == nil || len(err.Error()) > 4000 {
			t.Errorf("%s: told %d bytes: %.300v", name, len(fmt.Sprint(err)), err)
		}
	}
}

func manyKeys(n int) string {
	var all strings.Builder
	for i := range n {
		fmt.Fprintf(&all, "key%d: 1\n", i)
	}
	return all.String()
}

// TestConfigFileOfWindows: PowerShell writes UTF-16 with a byte order mark.
func TestConfigFileOfWindows(t *testing.T) {
	t.Parallel()
	file := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune("auth: managed-identity\r\npolicy: {self_approval: true}\r\n")) {
		file = append(file, byte(unit), byte(unit>>8))
	}
	c := &Config{}
	if err := c.applyYAML(file); err != nil || c.Auth != "managed-identity" || !c.Policy.SelfApproval {
		t.Errorf("%+v, %v", c.Policy, err)
	}
}
