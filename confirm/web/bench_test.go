package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"regexp"
	"testing"
	"time"

	"github.com/a-h/templ"
	templruntime "github.com/a-h/templ/runtime"

	"scanwarden/confirm"
	"scanwarden/tools/toolstest"
)

// deletion returns a change that deletes 500 scans.
func deletion(b *testing.B) (confirm.Change, *confirm.Gate) {
	b.Helper()
	s := toolstest.New(b, toolstest.Options{Policy: confirm.Policy{Approvers: []string{"token:grace"}, MaxScansPerDelete: 500}})
	var ids []string
	for i := range 500 {
		ids = append(ids, s.Tenant.AddScan(map[string]any{
			"scanType": "Network", "scanName": fmt.Sprintf("Lab %d & racks", i), "isActive": true, "intervalInHours": 24,
			"target": fmt.Sprintf("198.51.100.%d,203.0.113.%d,192.0.2.0/28", i%200, i%200), "targetType": "Ip",
		}))
	}
	args, err := json.Marshal(map[string]any{"scanDefinitionIds": ids})
	if err != nil {
		b.Fatal(err)
	}
	c, err := s.Service.Propose(b.Context(), confirm.Requester{Principal: "token:ada", Source: confirm.SourceHTTP, Channels: []confirm.Channel{confirm.WebPage}}, "delete_scans", args)
	if err != nil {
		b.Fatal(err)
	}
	return c, s.Gate
}

var tags = regexp.MustCompile(`<[^>]*>`)

// newBareTemplate returns a component that writes the same bytes as the page, as the generated code of a template does that
// has nothing to compute: markup as it is, and each text escaped.
func newBareTemplate(page string) templ.Component {
	type piece struct{ markup, text string }
	var pieces []piece
	for at := 0; at < len(page); {
		tag := tags.FindStringIndex(page[at:])
		if tag == nil {
			pieces = append(pieces, piece{page[at:], ""})
			break
		}
		pieces = append(pieces, piece{"", html.UnescapeString(page[at : at+tag[0]])}, piece{page[at+tag[0] : at+tag[1]], ""})
		at += tag[1]
	}
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		buffer, existing := templruntime.GetBuffer(w)
		if !existing {
			defer func() { _ = templruntime.ReleaseBuffer(buffer) }()
		}
		for i, p := range pieces {
			if p.markup != "" {
				if err := templruntime.WriteString(buffer, i, p.markup); err != nil {
					return err
				}
			} else if _, err := buffer.WriteString(templ.EscapeString(p.text)); err != nil {
				return err
			}
		}
		return nil
	})
}

// BenchmarkDeletionPage renders the page of a deletion of 500 scans beside a bare template that writes the same bytes. It reports
// the ratio of the rendering, of which the target is 3, and that of the whole page with reading the plan.
func BenchmarkDeletionPage(b *testing.B) {
	c, gate := deletion(b)
	h := &changesHandler{cfg: ChangesConfig{Now: time.Now, Key: func() ([]byte, error) { return toolstest.ServerKey(), nil }}}
	var page bytes.Buffer
	// The ledger is read once: its cost is not that of the page.
	q := viewRequest{viewer: Viewer{Principal: "token:grace", Session: "s"}, gate: gate, change: c}
	known, err := h.newChangeView(b.Context(), q)
	if err != nil {
		b.Fatal(err)
	}
	plan := func() {
		view := known
		view.setPlan()
	}
	render := func() {
		view := known
		page.Reset()
		if err := changePage(view).Render(b.Context(), &page); err != nil {
			b.Fatal(err)
		}
	}
	render()
	bare, want := newBareTemplate(page.String()), page.Len()
	var out bytes.Buffer
	write := func() {
		out.Reset()
		if err := bare.Render(b.Context(), &out); err != nil {
			b.Fatal(err)
		}
	}
	if write(); out.Len() < want*9/10 {
		b.Fatalf("the bare template writes %d bytes, want about %d", out.Len(), want)
	}
	fastest := func(best time.Duration, work func()) time.Duration { // the fastest, which a busy machine disturbs least
		began := time.Now()
		work()
		return min(best, time.Since(began))
	}
	planned, ours, theirs := time.Hour, time.Hour, time.Hour
	for b.Loop() { // by turns, so that a busy machine slows all
		planned, ours, theirs = fastest(planned, plan), fastest(ours, render), fastest(theirs, write)
	}
	b.ReportMetric(float64(ours)/float64(theirs), "x-bare")
	b.ReportMetric(float64(planned+ours)/float64(theirs), "x-bare-with-plan")
	b.ReportMetric(float64(ours.Microseconds()), "page-µs")
	b.ReportMetric(float64(theirs.Microseconds()), "bare-µs")
	b.ReportMetric(float64(want)/1024, "KiB")
}
