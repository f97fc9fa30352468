package ipvs

import "net/netip"

// Stats is what the kernel counts, by service.
type Stats map[ServiceKey]ServiceStats

// ServiceStats is what is counted for a service, and for each of its destinations. That of the service
// holds what destinations did that are gone.
type ServiceStats struct {
	Traffic      Traffic
	Destinations map[netip.AddrPort]DestinationStats
}

// DestinationStats is what is counted for a destination.
type DestinationStats struct {
	Connections Connections
	Traffic     Traffic
}

// Connections of a destination at one moment. Of UDP, which knows no connection's end, all are
// inactive. Persistent are the clients that persistence keeps with it.
type Connections struct{ Active, Inactive, Persistent uint32 }

// Traffic is what flowed since the object was made or its counters were zeroed, and how much does in a
// second: the kernel's estimate over the last ones.
type Traffic struct{ Total, PerSecond Counts }

// Counts counts connections, and what came from clients and what went to them. What a real server sends
// past the director, as under direct routing and tunnelling, is not counted.
type Counts struct {
	Connections                      uint64
	IncomingPackets, OutgoingPackets uint64
	IncomingBytes, OutgoingBytes     uint64
}

// add adds what somebody else carried.
func (t *Traffic) add(other Traffic) {
	t.Total.add(other.Total)
	t.PerSecond.add(other.PerSecond)
}

func (c *Counts) add(other Counts) {
	c.Connections += other.Connections
	c.IncomingPackets += other.IncomingPackets
	c.OutgoingPackets += other.OutgoingPackets
	c.IncomingBytes += other.IncomingBytes
	c.OutgoingBytes += other.OutgoingBytes
}
