package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/server"
	"scanwarden/defender/defendertest"
	"slices"
	"time"
)

type simulatorCommand struct {
	Listen string `placeholder:"HOST:PORT" help:"Where to listen, 127.0.0.1:8485 if not given; loopback only, because there is no sign-in."`

	AuthInLists      bool   `group:"contested" help:"Lists return credentials, as one page prints it."`
	PascalCaseAgents bool   `group:"contested" help:"Scanner fields in PascalCase, as the agent pages print them."`
	KeyVaultField    string `group:"contested" placeholder:"NAME" help:"How the vault's address is spelt: keyVaultUri (as if not given) or keyVaultUrl."`
	MetadataHistory  bool   `group:"contested" help:"Histories in the shape of the service's metadata."`
	PageSize         int    `group:"contested" help:"Page the lists by this many; 0 is all at once."`
	RefuseWindows    bool   `group:"contested" help:"Refuse Windows scans, which Microsoft has retired."`
	PerMinute        int    `group:"contested" help:"Answer 429 beyond this many calls a minute; 0 is never."`
}

func (s simulatorCommand) options() defendertest.Options {
	return defendertest.Options{
		AuthInLists: s.AuthInLists, PascalCaseAgents: s.PascalCaseAgents, KeyVaultField: s.KeyVaultField,
		MetadataHistory: s.MetadataHistory, PageSize: s.PageSize, RefuseWindows: s.RefuseWindows, PerMinute: s.PerMinute,
	}
}

// Run serves the simulated tenant until the process is asked to end.
func (s simulatorCommand) Run(w environment, _ config.Flags) error {
	if !slices.Contains([]string{"", "keyVaultUri", "keyVaultUrl"}, s.KeyVaultField) {
		return fmt.Errorf("--key-vault-field: %q is not a spelling that is known; write keyVaultUri or keyVaultUrl", s.KeyVaultField)
	}
	listener, err := net.Listen("tcp", cmp.Or(s.Listen, "127.0.0.1:8485"))
	if err != nil {
		return fmt.Errorf("--listen: %w; choose another address", err)
	}
	defer listener.Close()
	if tcp, ok := listener.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		return errors.New("--listen: the simulator has no sign-in and listens on loopback only; choose 127.0.0.1:PORT")
	}
	tenant := defendertest.New(s.options())
	mux := http.NewServeMux()
	mux.Handle("/", tenant)
	mux.Handle("/simulator/", tenant.Control())
	httpServer := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, BaseContext: func(net.Listener) context.Context { return w.ctx }}
	ended := make(chan error, 1)
	go func() { ended <- httpServer.Serve(listener) }()
	s.explain(w, "http://"+listener.Addr().String())
	select {
	case err := <-ended:
		return fmt.Errorf("serve the simulator: %w", err)
	case <-w.ctx.Done():
		tenant.Close() // releases hanging calls
		return server.WithShutdownTimeout(httpServer.Shutdown)
	}
}

func (simulatorCommand) explain(w environment, url string) {
	fmt.Fprintf(w.stdout, `A simulated Defender tenant listens at %[1]s (any bearer token signs in; it forgets all when it ends).

Point scanwarden at it, in another terminal:
  SCANWARDEN_DEFENDER_URL=%[1]s scanwarden stdio

See what it holds and what has arrived, or order trouble (here: apply the next add, then drop the connection):
  curl %[1]s/simulator/scans
  curl %[1]s/simulator/writes
  curl %[1]s/simulator/faults -d '{"method":"POST","path":"DeviceAuthenticatedScanDefinitions","apply":true,"drop":true}'

Ctrl-C ends it.
`, url)
}
