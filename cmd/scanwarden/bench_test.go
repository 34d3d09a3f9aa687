package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// settleTime is how long after the answer to initialize the memory is measured: by then the backend is built.
const settleTime = 200 * time.Millisecond

// BenchmarkStart starts the real binary over stdio, beside a bare three-tool mcp-go server. It measures time and CPU time
// up to the answer to initialize, and resident memory after settleTime. Only the ratios mean something on another machine.
//
//	go test ./cmd/scanwarden -run '^$' -bench Start -benchtime 30x
func BenchmarkStart(b *testing.B) {
	ours, theirs := buildRelease(b), buildBareServer(b)
	var starts [2][]startFigures
	for b.Loop() { // interleaved, so that both meet the same machine
		for i, command := range [][]string{{ours, "stdio"}, {theirs}} {
			starts[i] = append(starts[i], measureStart(b, command))
		}
	}
	took := func(f startFigures) float64 { return float64(f.took.Microseconds()) / 1000 }
	cpu := func(f startFigures) float64 { return float64(f.cpu.Microseconds()) / 1000 }
	resident := func(f startFigures) float64 { return float64(f.residentKiB) / 1024 }
	for _, figure := range []struct {
		name, unit string
		of         func(startFigures) float64
	}{{"start", "ms/start", took}, {"cpu", "ms-CPU/start", cpu}, {"resident", "MiB-resident", resident}} {
		own, bare := medianOf(starts[0], figure.of), medianOf(starts[1], figure.of)
		b.ReportMetric(own, figure.unit)
		b.ReportMetric(own/bare, "COMPARE-"+figure.name+"/bare")
	}
	b.ReportMetric(megabytes(b, ours), "MB-binary")
	b.ReportMetric(megabytes(b, ours)/megabytes(b, theirs), "COMPARE-binary/bare")
	b.ReportMetric(0, "ns/op") // an iteration starts two processes, so its time means nothing
}

const initializeLine = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}` + "\n"

// startFigures is what one start took up to the answer to initialize, and the memory that it settled at.
type startFigures struct {
	took, cpu   time.Duration
	residentKiB int
}

// measureStart runs one server to the answer to initialize, lets it settle, and ends it.
func measureStart(b *testing.B, command []string) startFigures {
	b.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	// Configured as an MCP client's entry does it, for a tenant that is not called.
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
	f := startFigures{took: time.Since(began), cpu: cpuTime(b, cmd.Process.Pid)}
	time.Sleep(settleTime)
	f.residentKiB = processKiB(b, cmd.Process.Pid, "VmRSS")
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		b.Fatal(err)
	}
	return f
}

// cpuTime returns the CPU time of all threads of a process, from /proc/PID/task/TID/schedstat.
func cpuTime(b *testing.B, pid int) (total time.Duration) {
	b.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		b.Fatal(err)
	}
	for _, path := range threads {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // the thread has ended
		}
		onCPU, err := strconv.ParseInt(strings.Fields(string(stat))[0], 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		total += time.Duration(onCPU)
	}
	return total
}

func megabytes(b *testing.B, path string) float64 {
	b.Helper()
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	return float64(info.Size()) / 1e6
}

func medianOf(figures []startFigures, of func(startFigures) float64) float64 {
	var values []float64
	for _, f := range figures {
		values = append(values, of(f))
	}
	slices.Sort(values)
	return values[len(values)/2]
}
