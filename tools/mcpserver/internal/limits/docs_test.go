package limits

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// The table of docs/operations.md has the limits of the program.
func TestTheDocumentedLimitsAreThoseOfTheProgram(t *testing.T) {
	page, err := os.ReadFile("../../../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]string{}
	for line := range strings.Lines(string(page)) {
		if cells := strings.Split(line, "|"); len(cells) == 6 {
			rows[strings.TrimSpace(cells[1])] = []string{strings.TrimSpace(cells[3]), strings.TrimSpace(cells[4])}
		}
	}
	check := func(limit Limit, caller, all string) {
		t.Helper()
		if got := rows["`"+string(limit)+"`"]; len(got) != 2 || got[0] != caller || got[1] != all {
			t.Errorf("%s: the page has %q, want %q and %q", limit, got, caller, all)
		}
	}
	for _, b := range []Bounds{ForCallers(), ForAddresses()} {
		for limit, q := range b.Quotas {
			if limit != refusals && limit != logLines {
				check(limit, describeQuota(q.Caller), describeQuota(q.All))
			}
		}
		for limit, n := range b.Slots {
			check(limit, describeNumber(n.Caller), describeNumber(n.All))
		}
	}
	check(Handshake, describeNumber(HandshakeBytes), "")
}

func describeQuota(q Quota) string {
	unit, name := time.Second, "a second"
	if q.Refill >= time.Hour {
		unit, name = time.Hour, "an hour"
	}
	average := float64(q.Burst) * float64(unit) / float64(q.Refill)
	return fmt.Sprintf("%s, then %s %s", describeNumber(q.Burst), describeNumber(int(average)), name)
}

// describeNumber returns n with a comma for thousands, or in KiB or MiB.
func describeNumber(n int) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n > 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	case n >= 1000:
		return fmt.Sprintf("%d,%03d", n/1000, n%1000)
	}
	return fmt.Sprint(n)
}
