package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkStart starts the real binary over stdio, beside a bare three-tool mcp-go server, and measures the
// time to the answer to initialize and the memory after it. Only the ratio means something on another machine.
//
//	go test ./cmd/scanwarden -run '^$' -bench Start -benchtime 30x
func BenchmarkStart(b *testing.B) {
	ours, theirs := buildProgram(b), buildBareServer(b)
	var starts [2][]time.Duration
	var memory [2][]int
	for b.Loop() { // interleaved, so that both meet the same machine
		for i, command := range [][]string{{ours, "stdio"}, {theirs}} {
			took, kib := start(b, command)
			starts[i], memory[i] = append(starts[i], took), append(memory[i], kib)
		}
	}
	cold, coldBare := median(starts[0]), median(starts[1])
	b.ReportMetric(float64(cold.Microseconds())/1000, "ms/start")
	b.ReportMetric(float64(cold)/float64(coldBare), "COMPARE-start/bare")
	b.ReportMetric(float64(median(memory[0]))/1024, "MiB-resident")
	b.ReportMetric(float64(median(memory[0]))/float64(median(memory[1])), "COMPARE-resident/bare")
	b.ReportMetric(megabytes(b, ours), "MB-binary")
	b.ReportMetric(megabytes(b, ours)/megabytes(b, theirs), "COMPARE-binary/bare")
	b.ReportMetric(0, "ns/op") // a round holds two processes: it says nothing
}

const initializeLine = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}` + "\n"

// start runs one server to the answer to initialize, and then to its end.
func start(b *testing.B, command []string) (took time.Duration, kib int) {
	b.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	// Configured as an MCP client's entry does it, for a tenant that is not asked for anything.
	cmd.Env = []string{"SCANWARDEN_STATE_DIR=" + b.TempDir(), "SCANWARDEN_DEFENDER_URL=http://127.0.0.1:9"}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	if _, err := io.WriteString(stdin, initializeLine); err != nil {
		b.Fatal(err)
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || !strings.Contains(line, "serverInfo") {
		b.Fatalf("initialize: %q, %v", line, err)
	}
	took = time.Since(began)
	kib = resident(b, cmd.Process.Pid)
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		b.Fatal(err)
	}
	return took, kib
}

// resident is VmRSS in KiB (proc(5)).
func resident(b *testing.B, pid int) int {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		b.Fatal(err)
	}
	return kib
}

func megabytes(b *testing.B, path string) float64 {
	b.Helper()
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	return float64(info.Size()) / 1e6
}

func median[T interface{ ~int | ~int64 }](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
