package check

import "net/netip"

// aim returns where a probe of a server goes: to the address and port that the check says, and where it
// says none, to the server's own.
func aim(server netip.AddrPort, address netip.Addr, port *int) netip.AddrPort {
	if address.IsValid() {
		server = netip.AddrPortFrom(address, server.Port())
	}
	if port != nil {
		server = netip.AddrPortFrom(server.Addr(), uint16(*port)) // #nosec G115 -- validated: 1 to 65535
	}
	return server
}
