package tools_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/defender"
	"scanwarden/tools"
)

// tokenTenant is a tenant that shows every caller one scan and one scanner, which are named after the caller's token.
type tokenTenant struct {
	service *tools.Service

	mu    sync.Mutex
	reads map[string]int // by path and token
}

func startTokenTenant(t testing.TB, cfg tools.Config) *tokenTenant {
	t.Helper()
	s := &tokenTenant{reads: map[string]int{}}
	api := httptest.NewServer(http.HandlerFunc(s.serveHTTP))
	t.Cleanup(api.Close)
	reader, err := defender.New(defender.Config{
		URL: api.URL,
		Token: func(_ context.Context, want defender.TokenRequest) (string, error) {
			return "of-" + want.Actor.User, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Reader = reader
	s.service = tools.NewService(cfg)
	return s
}

func (s *tokenTenant) serveHTTP(w http.ResponseWriter, r *http.Request) {
	who := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer of-")
	s.mu.Lock()
	s.reads[r.URL.Path+" "+who]++
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"value":[{"id":"1","machineId":"m","scanName":%[1]q,"computerDnsName":%[1]q}]}`, who)
}

// listsFor returns the lists that a caller gets, as JSON.
func (s *tokenTenant) listsFor(t testing.TB, by confirm.Principal) string {
	t.Helper()
	scans, err := s.service.Call(t.Context(), tools.Caller{Principal: by}, "list_scans", nil)
	if err != nil {
		t.Fatal(err)
	}
	scanners, err := s.service.Call(t.Context(), tools.Caller{Principal: by}, "list_scanners", nil)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := json.Marshal([]any{scans, scanners})
	if err != nil {
		t.Fatal(err)
	}
	return string(shown)
}

func (s *tokenTenant) totalReads() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, reads := range s.reads {
		n += reads
	}
	return n
}

func numberedPrincipal(i int) confirm.Principal {
	return confirm.Principal(fmt.Sprintf("token:(%d)", i))
}

// TestNoCallerSeesTheListOfAnother, with many concurrent callers, while lists are invalidated and evicted.
func TestNoCallerSeesTheListOfAnother(t *testing.T) {
	s := startTokenTenant(t, tools.Config{PerCaller: true})
	const people = 100 // more than are kept at a time
	var all sync.WaitGroup
	for i := range people {
		for range 3 {
			all.Go(func() {
				shown := s.listsFor(t, numberedPrincipal(i))
				if want := string(numberedPrincipal(i)); strings.Count(shown, "token:(") != 2 || strings.Count(shown, want) != 2 {
					t.Errorf("%s was shown %s", want, shown)
				}
				if i%10 == 0 {
					s.service.InvalidateCache()
				}
			})
		}
	}
	all.Wait()
}

// TestTheListOfEachCallerIsReadOnce, and kept apart from those of others, until it is invalidated.
func TestTheListOfEachCallerIsReadOnce(t *testing.T) {
	s := startTokenTenant(t, tools.Config{PerCaller: true})
	for range 3 {
		s.listsFor(t, ada)
		s.listsFor(t, bob)
	}
	if n := s.totalReads(); n != 4 {
		t.Errorf("%d reads for two people and two lists, want 4", n)
	}
	s.service.InvalidateCache()
	s.listsFor(t, ada)
	if n := s.totalReads(); n != 6 {
		t.Errorf("%d reads after Forget, want 6", n)
	}
}

// TestTheCacheIsBounded: past 64 callers, the least recently used list is read again.
func TestTheCacheIsBounded(t *testing.T) {
	now := time.Now()
	s := startTokenTenant(t, tools.Config{PerCaller: true, Now: func() time.Time { return now }})
	for i := range 64 {
		s.listsFor(t, numberedPrincipal(i))
	}
	s.listsFor(t, numberedPrincipal(0))  // is not the oldest any more
	s.listsFor(t, numberedPrincipal(64)) // takes the place of 1
	for i, want := range []int{1, 2} {
		s.listsFor(t, numberedPrincipal(i))
		for path := range map[string]bool{"/api/DeviceAuthenticatedScanDefinitions ": true, "/api/DeviceAuthenticatedScanAgents ": true} {
			if n := s.reads[path+string(numberedPrincipal(i))]; n != want {
				t.Errorf("%sof %d was read %d times, want %d", path, i, n, want)
			}
		}
	}
}

// TestOneListIsSharedWithoutOnBehalfOf: Defender is then always read as the application itself.
func TestOneListIsSharedWithoutOnBehalfOf(t *testing.T) {
	s := startTokenTenant(t, tools.Config{})
	s.listsFor(t, ada)
	s.listsFor(t, bob)
	if n := s.totalReads(); n != 2 {
		t.Errorf("%d reads, want 2", n)
	}
}
