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

// theirs is a tenant that shows everybody one scan and one scanner, which are named after their token.
type theirs struct {
	desk *tools.Service

	mu    sync.Mutex
	reads map[string]int // by path and token
}

func startTheirs(t testing.TB, cfg tools.Config) *theirs {
	t.Helper()
	s := &theirs{reads: map[string]int{}}
	service := httptest.NewServer(http.HandlerFunc(s.answer))
	t.Cleanup(service.Close)
	reader, err := defender.New(defender.Config{
		URL: service.URL,
		Token: func(_ context.Context, want defender.TokenRequest) (string, error) {
			return "of-" + want.Actor.User, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Reader = reader
	s.desk = tools.NewService(cfg)
	return s
}

func (s *theirs) answer(w http.ResponseWriter, r *http.Request) {
	who := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer of-")
	s.mu.Lock()
	s.reads[r.URL.Path+" "+who]++
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"value":[{"id":"1","machineId":"m","scanName":%[1]q,"computerDnsName":%[1]q}]}`, who)
}

// sees is what a caller is shown.
func (s *theirs) sees(t testing.TB, by confirm.Principal) string {
	t.Helper()
	scans, err := s.desk.Call(t.Context(), tools.Caller{Principal: by}, "list_scans", nil)
	if err != nil {
		t.Fatal(err)
	}
	scanners, err := s.desk.Call(t.Context(), tools.Caller{Principal: by}, "list_scanners", nil)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := json.Marshal([]any{scans, scanners})
	if err != nil {
		t.Fatal(err)
	}
	return string(shown)
}

func (s *theirs) count() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, reads := range s.reads {
		n += reads
	}
	return n
}

func caller(i int) confirm.Principal { return confirm.Principal(fmt.Sprintf("token:(%d)", i)) }

// TestNobodySeesAnothersList, however many ask at a time, while lists are forgotten and dropped.
func TestNobodySeesAnothersList(t *testing.T) {
	s := startTheirs(t, tools.Config{PerCaller: true})
	const people = 100 // more than are kept at a time
	var all sync.WaitGroup
	for i := range people {
		for range 3 {
			all.Go(func() {
				shown := s.sees(t, caller(i))
				if want := string(caller(i)); strings.Count(shown, "token:(") != 2 || strings.Count(shown, want) != 2 {
					t.Errorf("%s was shown %s", want, shown)
				}
				if i%10 == 0 {
					s.desk.InvalidateCache()
				}
			})
		}
	}
	all.Wait()
}

// TestEverybodysListIsReadOnce, and kept apart from those of others, until it is forgotten.
func TestEverybodysListIsReadOnce(t *testing.T) {
	s := startTheirs(t, tools.Config{PerCaller: true})
	for range 3 {
		s.sees(t, ada)
		s.sees(t, bob)
	}
	if n := s.count(); n != 4 {
		t.Errorf("%d reads for two people and two lists, want 4", n)
	}
	s.desk.InvalidateCache()
	s.sees(t, ada)
	if n := s.count(); n != 6 {
		t.Errorf("%d reads after Forget, want 6", n)
	}
}

// TestViewsAreBounded: past 64 people, whoever has not asked for the longest is read anew.
func TestViewsAreBounded(t *testing.T) {
	now := time.Now()
	s := startTheirs(t, tools.Config{PerCaller: true, Now: func() time.Time { return now }})
	for i := range 64 {
		s.sees(t, caller(i))
	}
	s.sees(t, caller(0))  // is not the oldest any more
	s.sees(t, caller(64)) // takes the place of 1
	for i, want := range []int{1, 2} {
		s.sees(t, caller(i))
		for path := range map[string]bool{"/api/DeviceAuthenticatedScanDefinitions ": true, "/api/DeviceAuthenticatedScanAgents ": true} {
			if n := s.reads[path+string(caller(i))]; n != want {
				t.Errorf("%sof %d was read %d times, want %d", path, i, n, want)
			}
		}
	}
}

// TestOneListForAll where Defender is always read in the server's own name.
func TestOneListForAll(t *testing.T) {
	s := startTheirs(t, tools.Config{})
	s.sees(t, ada)
	s.sees(t, bob)
	if n := s.count(); n != 2 {
		t.Errorf("%d reads, want 2", n)
	}
}
