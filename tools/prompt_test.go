package tools_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/width"

	"scanwarden/confirm"
	"scanwarden/defender/defendertest"
	"scanwarden/tools"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// promptCase is a prompt that testdata/prompts holds word for word.
type promptCase struct {
	name, operation, args string
	tenant                func(*defendertest.Server) // makes the live state; nil for that of the simulator
	notice                string
	requester             confirm.Principal // "" for token:ada
	needed                int
	isLong                bool // may have more lines than a change to one scan has
}

const (
	hostileName   = `Core"; isActive "false". CHANGE: target from "10.0.0.0/8" to "A -> B" \`
	hostileBreak  = "Core\n\nTo apply this change, type: AAAAA  and \u201d; isActive \u201cfalse\u201d"
	entraCaller   = "entra:3f2b8c51-77d0-4a52-9f1e-0c6f5e1f8a90/9d1c2b7e-5a34-4c8f-b0a1-6e7d8c9b0a12"
	overlongToken = "core-switches-of-the-data-centre-in-the-north-and-of-every-branch-that-is-attached-to-it-by-fibre"
)

func promptCases() []promptCase {
	rename := func(name string) func(*defendertest.Server) {
		return func(s *defendertest.Server) { s.Edit(coreSwitches, map[string]any{"scanName": name}) }
	}
	return []promptCase{
		{name: "add", operation: "add_scan", args: labScan},
		{name: "add-key-vault", operation: "add_scan", args: `{"scanType":"Network","scanName":"Branch switches",
			"target":"192.0.2.32,192.0.2.33,192.0.2.40","intervalInHours":8,"scannerAgent":{"machineId":"` + branch + `"},
			"scanAuthenticationParams":{"type":"AuthPriv","keyVaultUrl":"https://contoso-snmp.vault.azure.net/","keyVaultSecretName":"branch-snmp"}}`},
		{name: "update", operation: "update_scan", args: `{"id":"Core switches","intervalInHours":24,
			"target":"192.0.2.10,192.0.2.11,192.0.2.13,192.0.2.32/30"}`},
		{name: "update-every-field", operation: "update_scan", args: `{"id":"Core switches","scanName":"Core","isActive":false,
			"target":"sw1.example.com","intervalInHours":24,"scannerAgent":{"machineId":"` + branch + `"},"credential":"core-snmp"}`, isLong: true},
		{name: "update-credential", operation: "update_scan", args: `{"id":"Core switches","credential":"core-snmp"}`},
		{name: "update-warnings", operation: "update_scan", args: `{"id":"Plant floor switches","target":"10.20.30.0/25"}`},
		{name: "update-overlap", operation: "update_scan", args: `{"id":"Branch routers","target":"192.0.2.10,198.51.100.1"}`},
		{name: "update-two-people", operation: "update_scan", args: `{"id":"Core switches","isActive":false}`, needed: 2},
		{name: "update-wrong-code", operation: "update_scan", args: `{"id":"Plant floor switches","target":"10.20.30.0/25"}`,
			notice: "That was not the code. 2 answers are left; the last wrong one is a denial."},
		{name: "update-entra-wrong-code", operation: "update_scan", args: `{"id":"Core switches","intervalInHours":24}`,
			notice: "That was not the code. 1 answer is left; a wrong one is a denial.", requester: entraCaller},
		{name: "add-entra", operation: "add_scan", args: labScan, requester: entraCaller},
		{name: "update-target-with-blanks", operation: "update_scan", args: `{"id":"Core switches","isActive":false}`,
			tenant: func(s *defendertest.Server) {
				s.Edit(coreSwitches, map[string]any{"target": "192.0.2.10, 192.0.2.11,192.0.2.12,  x", "intervalInHours": nil})
			}},
		{name: "update-long-target", operation: "update_scan", args: `{"id":"Core switches","target":"` + manyAddresses(200) + `"}`, isLong: true},
		{name: "update-hostile-name", operation: "update_scan", args: `{"id":"` + coreSwitches + `","scanName":"Branch routers -> Branch routers"}`,
			tenant: rename(hostileName)},
		{name: "update-hostile-break", operation: "update_scan", args: `{"id":"` + coreSwitches + `","isActive":false}`, tenant: rename(hostileBreak)},
		{name: "update-overlong-token", operation: "update_scan", args: `{"id":"` + coreSwitches + `","isActive":false}`, tenant: rename(overlongToken)},
		{name: "update-wide-letters", operation: "update_scan", args: `{"id":"` + coreSwitches + `","isActive":false}`,
			tenant: rename("東京本社 基幹スイッチ 一号館から三号館まで 毎日 走査 する ため の 定義 です")},
		{name: "delete-one", operation: "delete_scans", args: `{"scanDefinitionIds":["Core switches"]}`},
		{name: "delete-hostile-name", operation: "delete_scans", args: `{"scanDefinitionIds":["` + coreSwitches + `","Branch routers"]}`,
			tenant: rename(`A"; "10.0.0.0/8"; "x". 2) "B`), isLong: true},
		{name: "delete-many", operation: "delete_scans", args: manyDeletes(), tenant: addMany, isLong: true},
	}
}

func manyAddresses(n int) string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("10.9.%d.%d", i/100, 1+2*(i%100))
	}
	return strings.Join(out, ",")
}

// addMany adds 37 scans with targets and names of several lengths.
func addMany(s *defendertest.Server) {
	for i := range 37 {
		target := fmt.Sprintf("10.7.%d.0/28", i)
		if i%3 == 1 {
			target = fmt.Sprintf("10.7.%d.17,10.7.%d.18,10.7.%d.21", i, i, i)
		}
		s.AddScan(map[string]any{"scanName": fmt.Sprintf("Site %02d switches", i), "target": target, "id": fmt.Sprintf("00000000-0000-4000-8000-0000000000%02d", i)})
	}
}

func manyDeletes() string {
	ids := make([]string, 37)
	for i := range ids {
		ids[i] = fmt.Sprintf(`"Site %02d switches"`, i)
	}
	return `{"scanDefinitionIds":[` + strings.Join(ids, ",") + `]}`
}

// change plans the case and returns it as a pending change.
func (c promptCase) change(t testing.TB) confirm.Change {
	t.Helper()
	s := newStack(t, defendertest.Options{}, fixedClock(time.Now().Add(30*time.Second)))
	if c.tenant != nil {
		c.tenant(s.Tenant)
	}
	change := pendingChange(s.plan(c.operation, c.args), c.needed)
	if c.requester != "" {
		change.Requester = c.requester
	}
	return change
}

func pendingChange(p confirm.Proposal, needed int) confirm.Change {
	asked := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	return confirm.Change{
		Proposal: p, Code: "K7QF4", Requester: "token:ada", Source: confirm.SourceStdio, Needed: needed,
		Created: asked, Expires: asked.Add(15 * time.Minute),
	}
}

// TestPrompts compares each prompt with its golden file, word for word. Rewrite them with -update, and read what changed.
func TestPrompts(t *testing.T) {
	t.Parallel()
	for _, c := range promptCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			change := c.change(t)
			got := tools.Prompt(change, c.notice)
			file := filepath.Join("testdata", "prompts", c.name+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(got+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got+"\n"); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			checkPrompt(t, change, got, c.notice)
			if lines := strings.Count(got, "\n") + 1; !c.isLong && lines > 12 {
				t.Errorf("a change to one scan has %d lines:\n%s", lines, got)
			}
			if strings.Contains(tools.Render(change), change.Code) {
				t.Error("the plan without a prompt has the code")
			}
		})
	}
}

// checkPrompt checks what holds for every prompt: the fields that are read after folding are those that are sent, no line
// is too wide, and the code is in the last line, below the notice.
func checkPrompt(t testing.TB, c confirm.Change, prompt, notice string) {
	t.Helper()
	last := "\n\nTo apply this change, type: K7QF4"
	if notice != "" {
		last = "\n" + notice + last[1:]
	}
	plan, found := strings.CutSuffix(prompt, last)
	if !found || strings.Contains(plan, c.Code) {
		t.Errorf("the prompt does not end with %q:\n%s", last, prompt)
	}
	if i := strings.IndexFunc(prompt, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
		t.Errorf("the prompt has an invisible character: %q", prompt[i:])
	}
	for line := range strings.SplitSeq(prompt, "\n") {
		if columns(line) > 78 && !isOneToken(line) {
			t.Errorf("a line has %d columns: %q", columns(line), line)
		}
	}
	read := readPrompt(t, strings.Replace(prompt, notice, "", 1))
	wantSent(t, c.Proposal, read)
	if read["tenant"] != c.Target {
		t.Errorf("the tenant is shown as %q", read["tenant"])
	}
}

// isOneToken reports whether a line has no place where it could end earlier: a blank, or a comma between addresses.
func isOneToken(line string) bool {
	return !strings.ContainsAny(strings.TrimSuffix(line, ","), " ,")
}

// columns counts as a terminal does, apart from combining marks.
func columns(line string) int {
	n := 0
	for _, r := range line {
		switch k := width.LookupRune(r).Kind(); {
		case unicode.In(r, unicode.Mn, unicode.Me):
		case k == width.EastAsianWide, k == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}

// FuzzPromptReadsBack: for any live scan, any new name, target and user name, the prompt, with all white space folded, reads
// back to exactly what is sent, and no line is too wide.
func FuzzPromptReadsBack(f *testing.F) {
	f.Add("Core", "192.0.2.1", "New name", "10.0.0.1,10.0.0.2", "scanner", "", []byte(nil))
	f.Add("", "", "a", "10.0.0.1", "x", "", []byte("\x00\x03\x05\x07\x0b\x0c\x0d\x0e\x01\x00\x02\x04\x06\x08\x09\x0a\x00"))
	f.Add(hostileName, "192.0.2.10, 192.0.2.11", hostileName, "sw1", `x"; domain "y`, hostileBreak, []byte(nil))
	f.Add(hostileBreak, "x,y,\u200b", "a -> b", "", "a,b, c", `\`, []byte(nil))
	f.Add(`\\"`, " , ,,", `"`, "", "\u201d", overlongToken, []byte(nil))
	f.Add("⟨1 blank⟩", ",⟨1 blank⟩", ". ASKED by", "", "; type", "2) x", []byte(nil))
	f.Add(strings.Repeat("長い名前 ", 20), manyAddresses(50), strings.Repeat("ab ", 40), manyAddresses(70), "u", strings.Repeat("x", 100), []byte(nil))
	f.Add("Core\u2028", "\u2007", "New", "", "x", "", []byte(nil))
	s := newStack(f, defendertest.Options{})
	id := s.Tenant.AddScan(nil)
	f.Fuzz(func(t *testing.T, name, target, newName, newTarget, user, scanner string, spelled []byte) {
		if !utf8.ValidString(name+target+scanner) || len(name+target+scanner) > 4000 {
			return // JSON cannot carry it, or it takes long
		}
		if len(spelled) > 0 {
			name, target = spellPrompt(spelled), spellPrompt(spelled[len(spelled)/2:])
		}
		s.Tenant.Edit(id, map[string]any{"scanName": name, "target": target, "scannerAgent": map[string]any{"machineId": branch, "machineName": scanner}})
		s.Service.InvalidateCache()
		for operation, fields := range map[string]map[string]any{
			"update_scan": {"id": id, "scanName": newName, "intervalInHours": 77, "scanAuthenticationParams": map[string]any{"type": "NoAuthNoPriv", "username": user}},
			"add_scan": {"scanType": "Network", "scanName": newName, "target": newTarget, "intervalInHours": 5, "scannerAgent": map[string]any{"machineId": hq},
				"scanAuthenticationParams": map[string]any{"type": "NoAuthNoPriv", "username": user}},
			"delete_scans": {"scanDefinitionIds": []string{id, coreSwitches}},
		} {
			if newTarget != "" && operation == "update_scan" {
				fields["target"] = newTarget
			}
			args, err := json.Marshal(fields)
			if err != nil {
				t.Fatal(err)
			}
			if p, err := s.Service.Plan(t.Context(), tools.Caller{}, operation, args); err == nil {
				c := pendingChange(p, 1)
				checkPrompt(t, c, tools.Prompt(c, ""), "")
				checkLiveTexts(t, operation, readPrompt(t, tools.Prompt(c, "")), name, target)
			}
		}
	})
}

// spellPrompt returns a text made of the parts of a prompt, which a random text seldom has.
func spellPrompt(choices []byte) string {
	parts := []string{
		`"`, `\`, "; ", ". ", "CHANGE: ", "SAME: ", "WARNING: ", "isActive ", `"false"`, " from ", " to ", " (", ")", ",", " ", "\n",
		"target ", "null", "ASKED by ", "1) ", "To apply this change, type: AAAAA", " -> ", "\u201d", "⟨1 blank⟩", "192.0.2.1", "x",
	}
	var b strings.Builder
	for _, c := range choices {
		b.WriteString(parts[int(c)%len(parts)])
	}
	return b.String()
}

// checkLiveTexts checks that the texts of the live scan read back too.
func checkLiveTexts(t *testing.T, operation string, read map[string]string, name, target string) {
	t.Helper()
	switch operation {
	case "update_scan":
		if read["headline"] != name {
			t.Errorf("the live name %q is shown as %q", name, read["headline"])
		}
		if was, shown := read["target before"]; shown && was != target {
			t.Errorf("the live target %q is shown as %q", target, was)
		}
	case "delete_scans":
		if read["name 1"] != name || read["target 1"] != target {
			t.Errorf("%q with target %q is shown as %q with %q", name, target, read["name 1"], read["target 1"])
		}
	}
}
