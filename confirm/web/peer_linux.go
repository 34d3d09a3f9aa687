package web

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"strconv"
)

// established is the state of a TCP connection that neither end has closed, as the kernel's tables have it. The client's end
// of a closed connection has no owner there: its uid is 0.
const established = "01"

// isSameUser reports whether a process of this user, or of root, holds the client's end of a loopback connection. It returns
// false if the client has closed it, or if the kernel's tables cannot be read.
func isSameUser(client, server string) bool {
	from, err := netip.ParseAddrPort(client)
	if err != nil {
		return false
	}
	to, err := netip.ParseAddrPort(server)
	if err != nil {
		return false
	}
	for _, name := range []string{"/proc/net/tcp", "/proc/net/tcp6"} { // an IPv6 socket can connect to an IPv4 address
		table, err := os.ReadFile(name)
		if err != nil {
			continue // tcp6 is missing where IPv6 is off
		}
		if uid, found := findOwner(table, from, to); found {
			return uid == 0 || uid == os.Getuid() // root can read this process anyway, and relays connections on WSL
		}
	}
	return false
}

// findOwner returns the uid of the process that holds the end from of an established connection to the address to.
func findOwner(table []byte, from, to netip.AddrPort) (uid int, found bool) {
	for line := range bytes.Lines(table) {
		f := bytes.Fields(line) // sl, local_address, rem_address, st, queues, timer, retransmissions, uid, ...
		if len(f) < 8 || string(f[3]) != established || !isAddress(f[1], from) || !isAddress(f[2], to) {
			continue
		}
		uid, err := strconv.Atoi(string(f[7]))
		return uid, err == nil
	}
	return 0, false
}

// isAddress reports whether the text of a kernel's table is this IPv4 address and port, alone or mapped into IPv6.
func isAddress(text []byte, want netip.AddrPort) bool {
	host, port, _ := bytes.Cut(text, []byte(":"))
	if string(port) != fmt.Sprintf("%04X", want.Port()) {
		return false
	}
	raw, err := hex.DecodeString(string(host))
	if err != nil || len(raw)%4 != 0 {
		return false
	}
	for i := 0; i < len(raw); i += 4 { // the kernel prints words of 32 bits in the order of the machine
		binary.BigEndian.PutUint32(raw[i:], binary.NativeEndian.Uint32(raw[i:]))
	}
	address, ok := netip.AddrFromSlice(raw)
	return ok && address.Unmap() == want.Addr().Unmap()
}
