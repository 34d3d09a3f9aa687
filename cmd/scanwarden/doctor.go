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
type Finding struct {
	Check  string `json:"check"`
	Status string `json:"status"` // ok, note or wrong
	Says   string `json:"says"`
	Next   string `json:"next,omitempty"` // what to do, "" when nothing has to be done
}

// The statuses of a finding. A note does not keep anything from working.
const (
	StatusOK  = "ok"
	StatusNote  = "note"
	StatusProblem = "wrong"
)

// A check looks at one thing. It has a bounded time, and says what it found in the order in which to mend it.
type Check struct {
	Name string
	run func(context.Context, *Checker) []Finding
	hint string // what to do about what is wrong, where the finding does not know better
}

// Checks are in the order in which one thing rests on another.
var Checks = []Check{
	{"policy", checkPolicy, "Correct the policy (SCANWARDEN_APPROVERS and its like)."},
	{"credentials", checkCredentials, "Correct the credentials of the configuration file."},
	{"clock", checkClock, "Correct SCANWARDEN_CLOUD or AZURE_AUTHORITY_HOST."},
	{"sign-in", checkSignIn, "Correct the sign-in (SCANWARDEN_AUTH, AZURE_*); docs/entra.md tells of every way."},
	{"Defender", checkDefender, "Correct defender.url (SCANWARDEN_DEFENDER_URL), and look whether the host can be reached."},
	{"callers", checkCallers, "Correct how callers are told apart (SCANWARDEN_HTTP_AUTH, SCANWARDEN_HTTP_TOKEN, http.tokens)."},
	{"Slack", checkSlack, "Check the app's tokens, and whether Slack can be reached."},
	{"state", checkState, "Set SCANWARDEN_STATE_DIR to a directory of scanwarden's own."},
	{"ledger", checkStore, "Set SCANWARDEN_DATABASE_URL or SCANWARDEN_STATE_DIR to a ledger that can be opened."},
}

// checkTimeout bounds one check: a person waits.
const checkTimeout = 90 * time.Second

// Checker is what is examined.
type Checker struct {
	Builder
	world environment
}

// Run examines everything that a server would need, and changes nothing but an older ledger's form. The error says
// how much is wrong.
func (d doctorCommand) Run(w environment, flags Flags) error {
	if d.Explain != "" {
		return d.explain(w, flags)
	}
	report := &report{printer: newPrinter(w), progressLine: newProgressLine(w), quiet: d.JSON}
	cfg, mistakes := LoadLenient(w.env, flags)
	for _, mistake := range mistakes {
		report.add(Finding{Check: "configuration", Status: StatusProblem, Says: mistake.Error(), Next: "Correct it; the rest is checked then."})
	}
	if len(mistakes) == 0 {
		report.add(Finding{Check: "configuration", Status: StatusOK, Says: cfg.DescribeSources()})
		cfg.Simulator = d.Simulator
		p := &Checker{Builder: NewBuilder(cfg, w), world: w}
		report.examine(w.ctx, p)
	}
	return report.end(w.stdout)
}

// DescribeSources says where the configuration comes from.
func (c *Config) DescribeSources() string {
	if c.Path == "" {
		return "from the environment and flags, no file"
	}
	return "from " + c.Path + ", the environment and flags"
}

// report collects findings, and shows each as soon as it is there.
type report struct {
	*printer
	*progressLine
	quiet    bool
	findings []Finding
}

func (r *report) examine(ctx context.Context, p *Checker) {
	defer p.Close()
	for _, c := range Checks {
		if ctx.Err() != nil {
			return
		}
		ctx, cancel := context.WithTimeout(ctx, checkTimeout)
		found := c.run(tools.WithProgress(ctx, r.reporter(c.Name, p.cfg)), p)
		r.clear()
		for _, f := range found {
			f.Check = c.Name
			if f.Status == StatusProblem {
				f.Next = cmp.Or(f.Next, c.hint)
			}
			r.add(f)
		}
		cancel()
	}
}

func (r *report) add(f Finding) {
	r.findings = append(r.findings, f)
	if r.quiet {
		return
	}
	colour := map[string]string{StatusOK: styleGreen, StatusNote: styleYellow, StatusProblem: styleBold}[f.Status]
	r.lines(fmt.Sprintf("%s %s: %s", r.style(colour, fmt.Sprintf("%-5s", f.Status)), f.Check, f.Says))
	if f.Next != "" {
		r.lines("      " + r.style(styleDim, "-> ") + f.Next)
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
		if f.Status == StatusProblem {
			bad++
		}
	}
	if bad == 0 {
		return nil
	}
	return fmt.Errorf("doctor: %d of %s wrong", bad, Plural(len(r.findings), "finding"))
}

// Close ends what the checks began.
func (p *Checker) Close() {
	if ids, err := p.SignIn(); err == nil && ids.Close != nil {
		ids.Close()
	}
}

func Plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
