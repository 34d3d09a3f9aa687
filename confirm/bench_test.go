package confirm_test

import (
	"fmt"
	"testing"
	"time"

	"scanwarden/confirm"
)

// BenchmarkExplain explains a change where 3,000 people have linked two accounts each. In the same rounds it puts these
// accounts into a bare map. The metric ratio is the time of the first over the time of the second.
func BenchmarkExplain(b *testing.B) {
	links := make([]confirm.Link, 3000)
	for i := range links {
		links[i] = confirm.Link{
			From: confirm.Principal(fmt.Sprintf("slack:T1/U%08d", i)),
			To:   confirm.Principal(fmt.Sprintf("entra:aaaabbbb-0000-cccc-1111-dddd2222eeee/11112222-bbbb-3333-cccc-%012d", i)),
		}
	}
	policy := confirm.Policy{Approvers: []string{string(links[0].From), string(links[2999].To)}}
	c := confirm.Change{Proposal: deleteTwo(), Requester: ada, Channels: []confirm.Channel{confirm.Slack}}
	var ours, bare time.Duration
	for b.Loop() {
		began := time.Now()
		if v := policy.Explain(c, links...); len(v.Approvers) != 2 {
			b.Fatalf("the verdict is %+v", v)
		}
		ours += time.Since(began)
		began = time.Now()
		index := map[confirm.Principal]int{}
		for i, l := range links {
			index[l.From], index[l.To] = i, i
		}
		bare += time.Since(began)
		if len(index) != 2*len(links) {
			b.Fatalf("there are %d accounts", len(index))
		}
	}
	b.ReportMetric(float64(ours.Microseconds())/float64(b.N), "µs/explain")
	b.ReportMetric(ours.Seconds()/bare.Seconds(), "ratio")
}
