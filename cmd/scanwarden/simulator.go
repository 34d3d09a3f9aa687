package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"scanwarden/cmd/scanwarden/internal/server"
	"scanwarden/defender/defendertest"
)

// groupContested is the heading of flags that choose between two documented behaviors.
const groupContested = "contested"

// newSimulatorCommand returns `scanwarden simulator`, the simulated Defender API.
func newSimulatorCommand(e environment) *cobra.Command {
	var listen string
	var options defendertest.Options
	cmd := &cobra.Command{
		Use: "simulator", GroupID: groupStart, Example: "scanwarden simulator", Args: cobra.NoArgs,
		Short: "Serve the simulated Defender API for hands-on use.",
		RunE:  func(*cobra.Command, []string) error { return runSimulator(e, listen, options) },
	}
	flags := cmd.Flags()
	flags.StringVar(&listen, "listen", "127.0.0.1:8485", "`HOST:PORT` Where to listen; loopback only, because there is no sign-in.")
	addFlagNote(cmd, "listen", "", "127.0.0.1:8485")
	flags.BoolVar(&options.AuthInLists, "auth-in-lists", false, "Return credentials in lists, as one page prints it.")
	flags.BoolVar(&options.PascalCaseAgents, "pascal-case-agents", false, "Write scanner fields in PascalCase, as the agent pages print them.")
	flags.StringVar(&options.KeyVaultField, "key-vault-field", "", "`NAME` Name of the vault address field, keyVaultUri or keyVaultUrl.")
	flags.BoolVar(&options.MetadataHistory, "metadata-history", false, "Return histories in the shape of the service's metadata.")
	flags.IntVar(&options.PageSize, "page-size", 0, "`N` Page the lists by this many.")
	flags.BoolVar(&options.RefuseWindows, "refuse-windows", false, "Refuse Windows scans, which Microsoft has retired.")
	flags.IntVar(&options.PerMinute, "per-minute", 0, "`N` Answer 429 beyond this many calls a minute.")
	for name, unset := range map[string]string{
		"auth-in-lists": "", "pascal-case-agents": "", "key-vault-field": "keyVaultUri", "metadata-history": "",
		"page-size": "all at once", "refuse-windows": "", "per-minute": "never",
	} {
		addFlagNote(cmd, name, groupContested, unset)
	}
	return cmd
}

// runSimulator serves the simulated tenant until the process is asked to end.
func runSimulator(e environment, listen string, options defendertest.Options) error {
	if !slices.Contains([]string{"", "keyVaultUri", "keyVaultUrl"}, options.KeyVaultField) {
		return fmt.Errorf("--key-vault-field: %q is not a spelling that is known; write keyVaultUri or keyVaultUrl", options.KeyVaultField)
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("--listen: %w; choose another address", err)
	}
	defer listener.Close()
	if tcp, ok := listener.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		return errors.New("--listen: the simulator has no sign-in and listens on loopback only; choose 127.0.0.1:PORT")
	}
	tenant := defendertest.New(options)
	mux := http.NewServeMux()
	mux.Handle("/", tenant)
	mux.Handle("/simulator/", tenant.Control())
	httpServer := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, BaseContext: func(net.Listener) context.Context { return e.ctx }}
	ended := make(chan error, 1)
	go func() { ended <- httpServer.Serve(listener) }()
	printSimulatorHelp(e.stdout, "http://"+listener.Addr().String())
	select {
	case err := <-ended:
		return fmt.Errorf("serve the simulator: %w", err)
	case <-e.ctx.Done():
		tenant.Close() // releases hanging calls
		return server.WithShutdownTimeout(httpServer.Shutdown)
	}
}

// printSimulatorHelp prints how to use a simulated tenant at url.
func printSimulatorHelp(out io.Writer, url string) {
	fmt.Fprintf(out, `A simulated Defender tenant listens at %[1]s (any bearer token signs in; it forgets all when it ends).

Look at it through scanwarden, in another terminal:
  SCANWARDEN_DEFENDER_URL=%[1]s scanwarden doctor
Let an MCP client connect to it: give "scanwarden stdio" this variable in the client's configuration, or start
  SCANWARDEN_DEFENDER_URL=%[1]s scanwarden serve --http-auth none

See what it holds and what has arrived, or order trouble (here: apply the next add, then drop the connection):
  curl %[1]s/simulator/scans
  curl %[1]s/simulator/writes
  curl %[1]s/simulator/faults -d '{"method":"POST","path":"DeviceAuthenticatedScanDefinitions","apply":true,"drop":true}'

Ctrl-C ends it.
`, url)
}
