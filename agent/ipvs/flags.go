package ipvs

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// How ipvsadm writes each thing on its command line, in the order in which ipvsadm -Sn prints it.

// flag returns "-t 192.0.2.100:80" or "-f 5 -6".
func (k ServiceKey) flag() string {
	if k.FirewallMark != 0 {
		mark := "-f " + strconv.FormatUint(uint64(k.FirewallMark), 10)
		if k.MarkFamily == IPv6 {
			mark += " -6"
		}
		return mark
	}
	switch k.Protocol {
	case TCP:
		return "-t " + k.Address.String()
	case UDP:
		return "-u " + k.Address.String()
	}
	return "--sctp-service " + k.Address.String()
}

// flags returns " -s wrr" and what else is set.
func (o Options) flags(k ServiceKey) string {
	s := " -s " + o.Scheduler
	if o.Persistence != (Persistence{}) {
		s += o.Persistence.flags(k.Family())
	}
	if o.Flags&OnePacket != 0 {
		s += " -o"
	}
	if names := o.SchedulerFlags(); len(names) > 0 {
		s += " -b " + strings.Join(names, ",")
	}
	return s
}

// SchedulerFlags returns the names of the scheduler's flags that are set: sh-port, flag-1.
func (o Options) SchedulerFlags() []string {
	names := [3]string{"flag-1", "flag-2", "flag-3"}
	if o.Scheduler == "sh" || o.Scheduler == "mh" {
		names[0], names[1] = o.Scheduler+"-fallback", o.Scheduler+"-port"
	}
	var set []string
	for i, flag := range [3]Flags{SchedulerF1, SchedulerF2, SchedulerF3} {
		if o.Flags&flag != 0 {
			set = append(set, names[i])
		}
	}
	return set
}

func (p Persistence) flags(f Family) string {
	s := fmt.Sprintf(" -p %d", p.Timeout)
	switch {
	case f == IPv4 && p.PrefixLength < 32:
		s += " -M " + net.IP(net.CIDRMask(int(p.PrefixLength), 32)).String()
	case f == IPv6 && p.PrefixLength < 128:
		s += fmt.Sprintf(" -M %d", p.PrefixLength)
	}
	if p.Engine != "" {
		s += " --pe " + p.Engine
	}
	return s
}

// flags returns " -g -w 1" and what else is set.
func (d Destination) flags() string {
	s := map[Forwarding]string{NAT: " -m", Tunnel: " -i", DirectRouting: " -g"}[d.Forwarding]
	s += fmt.Sprintf(" -w %d", d.Weight)
	if d.UpperThreshold != 0 {
		s += fmt.Sprintf(" -x %d", d.UpperThreshold)
	}
	if d.LowerThreshold != 0 {
		s += fmt.Sprintf(" -y %d", d.LowerThreshold)
	}
	if d.Forwarding == Tunnel {
		s += d.Tunnel.flags()
	}
	return s
}

// flags returns " --tun-type ipip" and what else is set.
func (t TunnelOptions) flags() string {
	s := " --tun-type " + t.Type.String()
	if t.Type == GUE {
		s += fmt.Sprintf(" --tun-port %d", t.Port)
	}
	switch {
	case t.Type == IPIP:
	case t.Checksum == NoChecksum:
		s += " --tun-nocsum"
	case t.Checksum == Checksum:
		s += " --tun-csum"
	default:
		s += " --tun-remcsum"
	}
	return s
}
