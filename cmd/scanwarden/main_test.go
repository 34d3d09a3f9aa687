package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The stories in testdata/script drive main() itself, under the name it has in real life. The command mcp is
// an MCP client for them.
func TestMain(m *testing.M) {
	testscript.Main(testRunner{m}, map[string]func(){"scanwarden": main, "mcp": mcpMain, "fake-browser": fakeBrowserMain})
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{Dir: "testdata/script", RequireExplicitExec: true, RequireUniqueNames: true})
}

// mcpMain is `mcp REQUESTS COMMAND...`: it starts the server, sends the file's lines and prints the answers.
// Unlike a shell pipe it keeps stdin open until each answer is there, and knows it by its id: a server may
// answer in any order, and may drop what it has not answered at the end of input.
func mcpMain() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	server := exec.CommandContext(ctx, os.Args[2], os.Args[3:]...)
	server.Stderr = os.Stderr
	if err := converse(os.Args[1], server, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mcp:", err)
		os.Exit(1)
	}
}

// converse has one client's side of a conversation, in the file of requests, with a server that it starts.
func converse(requests string, server *exec.Cmd, out io.Writer) error {
	script, err := os.ReadFile(requests)
	if err != nil {
		return err
	}
	stdin, err := server.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := server.StdoutPipe()
	if err != nil {
		return err
	}
	if err := server.Start(); err != nil {
		return err
	}
	answers := bufio.NewReader(stdout)
	for line := range bytes.Lines(bytes.TrimSpace(script)) {
		if err := exchange(bytes.TrimSpace(line), stdin, answers, out); err != nil {
			return errors.Join(err, server.Process.Kill(), server.Wait())
		}
	}
	return errors.Join(stdin.Close(), server.Wait())
}

// exchange sends one message and, if it is a request, prints its answer.
func exchange(message []byte, stdin io.Writer, answers *bufio.Reader, out io.Writer) error {
	type envelope struct {
		ID     json.RawMessage `json:"id"`
		Method string          `json:"method"`
	}
	var sent envelope
	if err := json.Unmarshal(message, &sent); err != nil {
		return fmt.Errorf("%s: %w", message, err)
	}
	if _, err := fmt.Fprintf(stdin, "%s\n", message); err != nil {
		return err
	}
	for sent.ID != nil {
		line, err := answers.ReadBytes('\n')
		if err != nil {
			return fmt.Errorf("no answer to %s: %w", message, err)
		}
		var got envelope
		if err := json.Unmarshal(line, &got); err != nil {
			return fmt.Errorf("not JSON-RPC on stdout: %q", line)
		}
		if got.Method == "" && bytes.Equal(got.ID, sent.ID) {
			_, err := out.Write(line)
			return err
		}
	}
	return nil
}

// parallelTests is how many tests run at once. They start processes and mostly wait for them, so more than there are
// processors.
const parallelTests = "8"

// testRunner runs the tests in parallel and then removes the binaries of benchmarks.
type testRunner struct{ *testing.M }

// Run runs the tests. The flag -parallel has precedence over parallelTests.
func (m testRunner) Run() int {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		_ = flag.Set("test.parallel", parallelTests) // a flag of package testing, which takes a number
	}
	defer func() {
		if dir, err := buildDir(); err == nil {
			os.RemoveAll(dir)
		}
	}()
	return m.M.Run()
}

// buildDir is where the real binaries of this run are built.
var buildDir = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "scanwarden-test-*") })

// programPath returns the path of a binary that runs main: this test's own, under the name that testscript gave it.
func programPath(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("scanwarden")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// releaseBuild and testBuild are the arguments of go build for benchmarks and for tests. A release leaves paths and cgo out,
// for which every package is compiled again. A test links what Go's cache has.
var (
	releaseBuild = []string{"-trimpath", "-ldflags", "-s -w"}
	testBuild    = []string{"-ldflags", "-s -w"}
)

// buildBinary returns a function that builds a command once for all tests and benchmarks, and returns its path.
func buildBinary(pkg, name string, args, env []string) func(testing.TB) string {
	once := sync.OnceValues(func() (string, error) {
		dir, err := buildDir()
		if err != nil {
			return "", err
		}
		path := filepath.Join(dir, name)
		build := exec.Command("go", slices.Concat([]string{"build"}, args, []string{"-o", path, pkg})...)
		build.Env = append(os.Environ(), env...)
		if out, err := build.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%w\n%s", err, out)
		}
		return path, nil
	})
	return func(t testing.TB) string {
		t.Helper()
		path, err := once()
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
}

var (
	buildRelease    = buildBinary(".", "release", releaseBuild, []string{"CGO_ENABLED=0"})
	buildBareServer = buildBinary("./testdata/bare", "bare", releaseBuild, []string{"CGO_ENABLED=0"})
	// buildForTests builds without the race detector, which the test's own binary has.
	buildForTests = buildBinary(".", "scanwarden", testBuild, nil)
)
