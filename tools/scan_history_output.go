package tools

import "scanwarden/defender"

// historyOutput is a list of runs. It requires no field, because a refusal has none of them. Its entries are the targets
// that runs name, and the runs that name no target: the targets of one run can be too many for one answer.
type historyOutput struct {
	Total int            `json:"total"` // the number of entries, also of those that are left out here
	Runs  []defender.Run `json:"runs"`
	Next  string         `json:"next,omitempty" jsonschema:"-"` // how to get the rest

	page offsetInput
}

func newHistoryOutput(runs []defender.Run, page offsetInput) historyOutput {
	total := countEntries(runs)
	return historyOutput{Total: total, Runs: sliceRuns(runs, page.Offset, total), page: page}
}

// entriesOf returns the number of entries of a run: its targets, or one if it names none.
func entriesOf(r defender.Run) int { return max(1, len(r.ScannedTargets)) }

func countEntries(runs []defender.Run) (n int) {
	for _, r := range runs {
		n += entriesOf(r)
	}
	return n
}

// sliceRuns returns the entries from one number up to, and without, another. A run of which a part is left out has the
// rest of its targets.
func sliceRuns(runs []defender.Run, from, to int) []defender.Run {
	out := []defender.Run{}
	for _, r := range runs {
		n := entriesOf(r)
		if first, end := max(from, 0), min(to, n); first < end {
			if len(r.ScannedTargets) > 0 {
				r.ScannedTargets = r.ScannedTargets[first:end]
			}
			out = append(out, r)
		}
		from, to = from-n, to-n
	}
	return out
}

// Len implements List.
func (o historyOutput) Len() int { return countEntries(o.Runs) }

// First implements List.
func (o historyOutput) First(n int) List {
	o.Runs = sliceRuns(o.Runs, 0, n)
	o.Next = o.page.nextPage("scan_history", n, o.Total)
	return o
}

// Shortened implements List.
func (o historyOutput) Shortened() List {
	r := sliceRuns(o.Runs, 0, 1)[0]
	shortenTexts(maxShortText, &r.ScanDefinitionID, &r.SessionID, &r.ScannerID, &r.ScanStatus, &r.Error)
	targets := make([]defender.RunTarget, len(r.ScannedTargets))
	for i, t := range r.ScannedTargets {
		shortenTexts(maxShortText, &t.IP, &t.Hostname, &t.Description, &t.Error, &t.ScanStatus, &t.Duration)
		targets[i] = t
	}
	r.ScannedTargets = targets
	o.Runs = []defender.Run{r}
	return o.First(1)
}
