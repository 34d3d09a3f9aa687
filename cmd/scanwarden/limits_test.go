package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// TestManyInitializeAttemptsNeedLittleMemory: 4,000 sessions with long client names, opened by one caller, leave the
// program below 100 MB. Their names alone have 131 MB. They are counted in /metrics.
func TestManyInitializeAttemptsNeedLittleMemory(t *testing.T) {
	t.Parallel()
	const attempts, connections, maxResidentKiB = 4000, 8, 100_000_000 / 1024
	s := newStack(t)
	s.program = buildForTests(t) // the race detector multiplies the memory of the test's own binary
	served := s.serve(t, "SCANWARDEN_HTTP_AUTH=none")
	long := strings.Replace(strings.TrimSpace(initializeLine), `"name":"`, `"name":"`+strings.Repeat("x", 32<<10), 1)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
	var all sync.WaitGroup
	for range connections {
		all.Go(func() {
			for range attempts / connections {
				if err := initializeOnce(client, served.url, long); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	peak := processKiB(t, served.process.Pid, "VmHWM")
	t.Logf("resident memory: %d KiB, at most %d KiB", processKiB(t, served.process.Pid, "VmRSS"), peak)
	if peak > maxResidentKiB {
		t.Errorf("the program needed %d KiB, want at most %d", peak, maxResidentKiB)
	}
	_, page := httpGet(t, strings.TrimSuffix(served.url, "/mcp")+"/metrics")
	if want := fmt.Sprintf("scanwarden_callers_limited_total{limit=\"sessions\"} %d", attempts-32); !strings.Contains(page, want+"\n") {
		t.Errorf("/metrics lacks %s", want)
	}
}

func initializeOnce(client *http.Client, url, body string) error {
	response, err := client.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if answer, err := io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusOK {
		return fmt.Errorf("initialize: %d %s %v", response.StatusCode, answer, err)
	}
	return nil
}

// processKiB returns a memory figure of a process (proc(5)).
func processKiB(t testing.TB, pid int, name string) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), name+":")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kib
}
