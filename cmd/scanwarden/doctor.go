package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"time"

	"scanwarden/tools"
)

type doctorCommand struct {
	JSON    bool   `help:"Print a JSON array, for programs."`
	Explain string `placeholder:"CHANGE" help:"Say which rule of the policy decides what about one change, and who may confirm it."`
	tenantFlags
	policyFlags
	httpFlags
	slackFlags
	ledgerFlags
}

// A finding is one line of the doctor's.
type finding struct {
	Check  string `json:"check"`
	Status string `json:"status"` // ok, note or wrong
	Says   string `json:"says"`
	Next   string `json:"next,omitempty"` // what to do, "" when nothing has to be done
}

// The statuses of a finding. A note does not keep anything from working.
const (
	fine  = "ok"
	note  = "note"
	wrong = "wrong"
)

// A check looks at one thing. It has a bounded time, and says what it found in the order in which to mend it.
type check struct {
	name string
	look func(context.Context, *patient) []finding
	mend string // what to do about what is wrong, where the finding does not know better
}

// checks are in the order in which one thing rests on another.
var checks = []check{
	{"policy", lookAtPolicy, "Correct the policy (SCANWARDEN_APPROVERS and its like)."},
	{"credentials", lookAtCredentials, "Correct the credentials of the configuration file."},
	{"clock", lookAtClock, "Correct SCANWARDEN_CLOUD or AZURE_AUTHORITY_HOST."},
	{"sign-in", lookAtSignIn, "Correct the sign-in (SCANWARDEN_AUTH, AZURE_*); docs/entra.md tells of every way."},
	{"Defender", lookAtDefender, "Correct defender.url (SCANWARDEN_DEFENDER_URL), and look whether the host can be reached."},
	{"callers", lookAtCallers, "Correct how callers are told apart (SCANWARDEN_HTTP_AUTH, SCANWARDEN_HTTP_TOKEN, http.tokens)."},
	{"Slack", lookAtSlack, "Check the app's tokens, and whether Slack can be reached."},
	{"state", lookAtState, "Set SCANWARDEN_STATE_DIR to a directory of scanwarden's own."},
	{"ledger", lookAtLedger, "Set SCANWARDEN_DATABASE_URL or SCANWARDEN_STATE_DIR to a ledger that can be opened."},
}

// checkTime bounds one check: a person waits.
const checkTime = 90 * time.Second

// patient is what is examined.
type patient struct {
	blueprint
	world world
}

// Run examines everything that a server would need, and changes nothing but an older ledger's form. The error says
// how much is wrong.
func (d doctorCommand) Run(w world, flags flagValues) error {
	if d.Explain != "" {
		return d.explain(w, flags)
	}
	report := &report{paper: newPaper(w), waits: newWaits(w), quiet: d.JSON}
	cfg, mistakes := examine(w.environment, flags)
	for _, mistake := range mistakes {
		report.add(finding{Check: "configuration", Status: wrong, Says: mistake.Error(), Next: "Correct it; the rest is checked then."})
	}
	if len(mistakes) == 0 {
		report.add(finding{Check: "configuration", Status: fine, Says: cfg.told()})
		cfg.Simulator = d.Simulator
		p := &patient{blueprint: draw(cfg, w), world: w}
		report.examine(w.ctx, p)
	}
	return report.end(w.out)
}

// told says where the configuration comes from.
func (c *config) told() string {
	if c.path == "" {
		return "from the environment and flags, no file"
	}
	return "from " + c.path + ", the environment and flags"
}

// report collects findings, and shows each as soon as it is there.
type report struct {
	*paper
	*waits
	quiet    bool
	findings []finding
}

func (r *report) examine(ctx context.Context, p *patient) {
	defer p.rest()
	for _, c := range checks {
		if ctx.Err() != nil {
			return
		}
		ctx, cancel := context.WithTimeout(ctx, checkTime)
		found := c.look(tools.WithProgress(ctx, r.noteOf(c.name, p.cfg)), p)
		r.clear()
		for _, f := range found {
			f.Check = c.name
			if f.Status == wrong {
				f.Next = cmp.Or(f.Next, c.mend)
			}
			r.add(f)
		}
		cancel()
	}
}

func (r *report) add(f finding) {
	r.findings = append(r.findings, f)
	if r.quiet {
		return
	}
	colour := map[string]string{fine: green, note: yellow, wrong: bold}[f.Status]
	r.say(fmt.Sprintf("%s %s: %s", r.style(colour, fmt.Sprintf("%-5s", f.Status)), f.Check, f.Says))
	if f.Next != "" {
		r.say("      " + r.style(dim, "-> ") + f.Next)
	}
}

// end prints what programs read, and counts what is wrong.
func (r *report) end(out io.Writer) error {
	if r.quiet {
		if err := writeJSON(out, r.findings); err != nil {
			return err
		}
	}
	bad := 0
	for _, f := range r.findings {
		if f.Status == wrong {
			bad++
		}
	}
	if bad == 0 {
		return nil
	}
	return fmt.Errorf("doctor: %d of %s wrong", bad, numbered(len(r.findings), "finding"))
}

// rest ends what the checks began.
func (p *patient) rest() {
	if ids, err := p.signIn(); err == nil && ids.close != nil {
		ids.close()
	}
}

func numbered(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
