package web_test

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"

	"scanwarden/confirm/web"
)

// kernelAddress returns an address as /proc/net/tcp has it on this machine.
func kernelAddress(address string) string {
	a := netip.MustParseAddrPort(address)
	text := ""
	raw := a.Addr().AsSlice()
	for i := 0; i < len(raw); i += 4 {
		text += fmt.Sprintf("%08X", binary.NativeEndian.Uint32(raw[i:]))
	}
	return fmt.Sprintf("%s:%04X", text, a.Port())
}

// TestTheOwnerOfAConnection: the client's end counts, also of an IPv6 socket, and only while the connection is open.
func TestTheOwnerOfAConnection(t *testing.T) {
	t.Parallel()
	const client, server = "127.0.0.1:40000", "127.0.0.1:50000"
	row := func(local, remote, state string) string {
		return "  sl  local_address rem_address   st ...\n   0: " + kernelAddress(local) + " " + kernelAddress(remote) + " " + state +
			" 00000000:00000000 00:00000000 00000000  1234        0 99 1 0 20 4 30 10 -1\n"
	}
	for name, test := range map[string]struct {
		table string
		found bool
	}{
		"the client's end":    {row(client, server, "01"), true},
		"of an IPv6 socket":   {row("[::ffff:127.0.0.1]:40000", "[::ffff:127.0.0.1]:50000", "01"), true},
		"the server's end":    {row(server, client, "01"), false},
		"another client port": {row("127.0.0.1:40001", server, "01"), false},
		"another client":      {row("127.0.0.2:40000", server, "01"), false},
		"another server port": {row(client, "127.0.0.1:50001", "01"), false},
		"a closed connection": {row(client, server, "04"), false},
		"no row":              {"", false},
		"a torn row":          {"0: zz:9C40 0100007F", false},
	} {
		uid, found := web.FindOwner([]byte(test.table), netip.MustParseAddrPort(client), netip.MustParseAddrPort(server))
		if found != test.found || found && uid != 1234 {
			t.Errorf("%s: owner %d, %v", name, uid, found)
		}
	}
}
