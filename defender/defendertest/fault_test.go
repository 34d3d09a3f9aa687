package defendertest_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"scanwarden/defender/defendertest"
)

func TestFaultStatuses(t *testing.T) {
	c := startSimulator(t, defendertest.Options{})
	for status, code := range map[int]string{400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "ResourceNotFound",
		429: "TooManyRequests", 500: "InternalServerError", 503: "ServiceUnavailable"} {
		c.sim.Fail(defendertest.Fault{Status: status})
		c.call("GET", definitions, "").wantError(t, status, code)
	}
	c.sim.Fail(defendertest.Fault{Status: 409, Code: "ActiveRequestAlreadyExists", Message: "Busy."})
	if got := c.call("GET", definitions, "").wantError(t, 409, "ActiveRequestAlreadyExists"); got != "Busy." {
		t.Errorf("message %q", got)
	}
	c.sim.Fail(defendertest.Fault{Status: 429, RetryAfter: "Wed, 21 Oct 2026 07:28:00 GMT"})
	if got := c.call("GET", definitions, "").header.Get("Retry-After"); got != "Wed, 21 Oct 2026 07:28:00 GMT" {
		t.Errorf("Retry-After %q", got)
	}
	c.sim.Fail(defendertest.Fault{Status: 429})
	if got := c.call("GET", definitions, "").header; got.Get("Retry-After") != "" {
		t.Errorf("Retry-After %q; want none", got.Get("Retry-After"))
	}
	c.sim.Fail(defendertest.Fault{Status: 204, Header: map[string]string{"X-Trouble": "yes"}})
	if got := c.call("GET", definitions, "").want(t, 204); len(got.body) != 0 || got.header.Get("X-Trouble") != "yes" {
		t.Errorf("%v %q", got.header, got.body)
	}
	c.call("GET", definitions, "").want(t, 200)
}

// TestFaultMatching checks that a fault applies to the requests that it matches, Times times, the oldest fault first.
func TestFaultMatching(t *testing.T) {
	c := startSimulator(t, defendertest.Options{})
	c.sim.Fail(defendertest.Fault{Method: "POST", Path: "BatchDelete", Status: 500})
	c.sim.Fail(defendertest.Fault{Path: "Agents", Status: 503, Times: 2})
	c.sim.Fail(defendertest.Fault{Path: "Agents", Status: 500, Times: -1})
	c.call("GET", definitions, "").want(t, 200)
	c.call("GET", batchDelete, "").want(t, 405)
	c.call("POST", batchDelete, "{}").want(t, 500)
	c.call("POST", batchDelete, "{}").want(t, 400)
	for _, want := range []int{503, 503, 500, 500, 500} {
		c.call("GET", agents, "").want(t, want)
	}
	c.sim.ClearFaults()
	c.call("GET", agents, "").want(t, 200)
}

func TestFaultRawBody(t *testing.T) {
	c := startSimulator(t, defendertest.Options{})
	const page = "<html><body>We are down.</body></html>"
	c.sim.Fail(defendertest.Fault{Status: 502, Body: page, ContentType: "text/html"})
	if got := c.call("GET", definitions, "").want(t, 502); string(got.body) != page || got.header.Get("Content-Type") != "text/html" {
		t.Errorf("%s %s", got.header.Get("Content-Type"), got.body)
	}
	c.sim.Fail(defendertest.Fault{Body: `{"value":`})
	if got := c.call("GET", definitions, "").want(t, 200); string(got.body) != `{"value":` || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %s", got.header.Get("Content-Type"), got.body)
	}
}

func TestFaultClaims(t *testing.T) {
	c := startSimulator(t, defendertest.Options{})
	c.sim.Fail(defendertest.Fault{Claims: `{"access_token":{"nbf":{"essential":true,"value":"1"}}}`})
	got := c.call("GET", definitions, "")
	got.wantError(t, 401, "Unauthorized")
	const want = `error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxIn19fQ=="`
	if h := got.header.Get("WWW-Authenticate"); !strings.HasPrefix(h, "Bearer ") || !strings.HasSuffix(h, want) {
		t.Errorf("WWW-Authenticate %s", h)
	}
	if got := c.call("GET", definitions, "").want(t, 200); got.header.Get("WWW-Authenticate") != "" {
		t.Errorf("the next answer has %v", got.header)
	}
}

func TestFaultEcho(t *testing.T) {
	c := startSimulator(t, defendertest.Options{})
	const body = `{"scanName":"canary"}`
	c.sim.Fail(defendertest.Fault{Echo: true})
	if got := c.call("POST", definitions, body).wantError(t, 400, "BadRequest"); !strings.Contains(got, body) {
		t.Errorf("message %q does not echo", got)
	}
	c.sim.Fail(defendertest.Fault{Echo: true, Status: 500, Message: "Could not store"})
	if got := c.call("POST", definitions, body).wantError(t, 500, "InternalServerError"); got != "Could not store "+body {
		t.Errorf("message %q", got)
	}
}

// TestFaultDrop tests the most important fault: the write took effect, and the caller got no response.
func TestFaultDrop(t *testing.T) {
	for _, apply := range []bool{false, true} {
		c := startSimulator(t, defendertest.Options{})
		before := len(c.sim.Scans())
		c.sim.Fail(defendertest.Fault{Method: "POST", Apply: apply, Drop: true})
		r, err := c.request(t.Context(), "POST", definitions, fixture(t, "add-network-authpriv.new-page.request.json"))
		if err == nil {
			t.Fatalf("got an answer: %d %s", r.status, r.body)
		}
		want := 0
		if apply {
			want = 1
		}
		if got := len(c.sim.Scans()) - before; got != want || len(c.sim.Writes()) != want {
			t.Errorf("apply %v: %d definitions added, %d writes; want %d of each", apply, got, len(c.sim.Writes()), want)
		}
		if calls := c.sim.Calls(); len(calls) != 1 || calls[0].Status != 0 {
			t.Errorf("calls %+v", calls)
		}
	}
}

func TestFaultApplyThenError(t *testing.T) {
	c := startSimulator(t, defendertest.Options{})
	c.sim.Fail(defendertest.Fault{Apply: true, Status: 500})
	c.call("PATCH", definitions+"/"+switches, `{"isActive":false}`).wantError(t, 500, "InternalServerError")
	if scan, _ := c.sim.Scan(switches); scan["isActive"] != false {
		t.Error("the write was not applied")
	}
	if writes := c.sim.Writes(); len(writes) != 1 || writes[0].Status != 500 {
		t.Errorf("writes %+v", writes)
	}
	c.sim.Fail(defendertest.Fault{Apply: true, Status: 500})
	c.call("PATCH", definitions+"/"+switches, `{"isActive":7}`).want(t, 500)
	if writes := c.sim.Writes(); len(writes) != 1 {
		t.Errorf("a refused write is among the writes: %+v", writes)
	}
	c.sim.Fail(defendertest.Fault{Apply: true}) // of no consequence
	c.call("PATCH", definitions+"/"+switches, `{"isActive":true}`).want(t, 200)
	if got := len(c.sim.Writes()); got != 2 {
		t.Errorf("%d writes; want 2: applied once", got)
	}
}

func TestFaultHang(t *testing.T) {
	hang := func(c *client, ctx context.Context) <-chan error {
		failed := make(chan error, 1)
		c.sim.Fail(defendertest.Fault{Hang: true, Apply: true})
		go func() {
			_, err := c.request(ctx, "PATCH", definitions+"/"+switches, `{"isActive":false}`)
			failed <- err
		}()
		for len(c.sim.Writes()) == 0 { // applied first, then hung
			time.Sleep(time.Millisecond)
		}
		select {
		case err := <-failed:
			t.Errorf("did not hang: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
		return failed
	}
	for name, end := range map[string]func(c *client, cancel func()){
		"caller goes away": func(_ *client, cancel func()) { cancel() },
		"Release":          func(c *client, _ func()) { c.sim.Release() },
		"Close":            func(c *client, _ func()) { c.sim.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			c := startSimulator(t, defendertest.Options{})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			failed := hang(c, ctx)
			end(c, cancel)
			if err := <-failed; err == nil {
				t.Error("the hung request was answered")
			}
			c.call("GET", definitions, "").want(t, 200)
		})
	}
}

// TestHungRequestEndsWithItsCaller checks that a handler returns when its caller disconnects.
func TestHungRequestEndsWithItsCaller(t *testing.T) {
	for _, f := range []defendertest.Fault{{Hang: true}, {Delay: time.Hour}, {SlowBody: true, Delay: time.Hour}} {
		sim := defendertest.New(defendertest.Options{})
		service := httptest.NewServer(sim)
		c := &client{t, sim, service.URL, "any"}
		sim.Fail(f)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if r, err := c.request(ctx, "GET", definitions, ""); err == nil {
			t.Errorf("%+v: got an answer: %d", f, r.status)
		}
		cancel()
		closed := make(chan struct{})
		go func() { service.Close(); close(closed) }() // waits for the handler
		select {
		case <-closed:
		case <-time.After(time.Minute):
			t.Errorf("%+v: the request hangs on without its caller", f)
		}
		sim.Close()
		<-closed
	}
}

// TestFaultDelay checks that the genuine response comes late, or not at all if the caller does not wait.
func TestFaultDelay(t *testing.T) {
	c := startSimulator(t, defendertest.Options{})
	c.sim.Fail(defendertest.Fault{Delay: 50 * time.Millisecond})
	began := time.Now()
	c.call("PATCH", definitions+"/"+switches, `{"isActive":false}`).want(t, 200)
	if took := time.Since(began); took < 50*time.Millisecond {
		t.Errorf("answered after %v", took)
	}
	if len(c.sim.Writes()) != 1 {
		t.Errorf("%d writes; want 1", len(c.sim.Writes()))
	}
	c.sim.Fail(defendertest.Fault{Delay: time.Hour})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if r, err := c.request(ctx, "PATCH", definitions+"/"+switches, `{"isActive":true}`); err == nil {
		t.Errorf("got an answer: %d", r.status)
	}
	if len(c.sim.Writes()) != 1 {
		t.Errorf("%d writes; want 1: the delayed one was given up before it took effect", len(c.sim.Writes()))
	}
}

// TestFaultSlowBody checks that the headers come at once, and the whole body in pieces.
func TestFaultSlowBody(t *testing.T) {
	c := startSimulator(t, defendertest.Options{Empty: true})
	c.sim.Fail(defendertest.Fault{SlowBody: true})
	req, err := http.NewRequestWithContext(t.Context(), "GET", c.url+definitions, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer any")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var whole []byte
	reads := 0
	for buffer := make([]byte, 4096); ; reads++ {
		n, err := resp.Body.Read(buffer)
		whole = append(whole, buffer[:n]...)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if want := c.call("GET", definitions, "").body; string(whole) != string(want) || reads < len(want)/4 {
		t.Errorf("%d reads of %q; want %q", reads, whole, want)
	}

	c.sim.Fail(defendertest.Fault{SlowBody: true, Delay: time.Hour})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if r, err := c.request(ctx, "GET", definitions, ""); err == nil {
		t.Errorf("got the body at once: %s", r.body)
	}
}

// TestFaultBeforeChecks checks that a scripted fault applies without a check of token or limits. A request that a fault
// lets through is checked.
func TestFaultBeforeChecks(t *testing.T) {
	c := startSimulator(t, defendertest.Options{Token: "right", PerMinute: 1})
	c.sim.Fail(defendertest.Fault{Status: 500})
	c.call("GET", definitions, "").want(t, 500)
	c.sim.Fail(defendertest.Fault{Delay: time.Millisecond})
	c.call("GET", definitions, "").want(t, 401)
	c.token = "right"
	c.call("GET", definitions, "").want(t, 200)
	c.call("GET", definitions, "").want(t, 429)
}
