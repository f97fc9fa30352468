package tune

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// field names a setting that is a number, as drift does: timeouts.tcp, in seconds, or sysctls.conntrack.
type field string

const (
	timeoutTCP    field = "timeouts.tcp"
	timeoutTCPFin field = "timeouts.tcp_fin"
	timeoutUDP    field = "timeouts.udp"

	sysctlExpireNodestConn        field = "sysctls.expire_nodest_conn"
	sysctlExpireQuiescentTemplate field = "sysctls.expire_quiescent_template"
	sysctlConnReuseMode           field = "sysctls.conn_reuse_mode"
	sysctlSloppyTCP               field = "sysctls.sloppy_tcp"
	sysctlConntrack               field = "sysctls.conntrack"
	sysctlIPForward               field = "sysctls.ip_forward"
)

// sysctls are the fields that are sysctls, in order.
func sysctls() []field {
	return []field{
		sysctlExpireNodestConn, sysctlExpireQuiescentTemplate, sysctlConnReuseMode,
		sysctlSloppyTCP, sysctlConntrack, sysctlIPForward,
	}
}

// name is the setting's own: conntrack.
func (f field) name() string {
	_, name, _ := strings.Cut(string(f), ".")
	return name
}

// key is the name that a sysctl has for the kernel.
func (f field) key() string {
	if f == sysctlIPForward {
		return "net.ipv4.ip_forward"
	}
	return "net.ipv4.vs." + f.name()
}

// pointer is where the field stands in the specification.
func (f field) pointer() string { return "/" + strings.ReplaceAll(string(f), ".", "/") }

// text writes a value as the specification does.
func (f field) text(value int) string {
	switch {
	case strings.HasPrefix(string(f), "timeouts."):
		return (time.Duration(value) * time.Second).String()
	case f != sysctlConnReuseMode && value == 0:
		return "false"
	case f != sysctlConnReuseMode && value == 1:
		return "true"
	}
	return strconv.Itoa(value)
}

// missing says why a kernel may not have a sysctl.
func (f field) missing() string {
	why := map[field]string{
		sysctlConntrack:     "it was built without CONFIG_IP_VS_NFCT",
		sysctlConnReuseMode: "it came with Linux 4.1",
		sysctlSloppyTCP:     "it came with Linux 3.11",
	}[f]
	if why == "" {
		why = "see that ip_vs is loaded and /proc/sys can be seen"
	}
	return f.key() + " is not in this kernel: " + why + "; leave it out"
}

// numbers are the values of fields; what the machine does not have, or nobody asks for, is not in it.
type numbers map[field]int

func (n numbers) fields() []field { return slices.Sorted(maps.Keys(n)) }

// asked returns what a specification asks for.
func asked(v *spec.IPVSSettings) numbers {
	n := numbers{}
	if v == nil {
		return n
	}
	if t := v.Timeouts; t != nil {
		for f, d := range map[field]*spec.Duration{timeoutTCP: t.TCP, timeoutTCPFin: t.TCPFin, timeoutUDP: t.UDP} {
			if d != nil {
				n[f] = int(d.Std() / time.Second)
			}
		}
	}
	if s := v.Sysctls; s != nil {
		for f, on := range map[field]*bool{
			sysctlExpireNodestConn: s.ExpireNodestConn, sysctlExpireQuiescentTemplate: s.ExpireQuiescentTemplate,
			sysctlSloppyTCP: s.SloppyTCP, sysctlConntrack: s.Conntrack, sysctlIPForward: s.IPForward,
		} {
			if on != nil {
				n[f] = map[bool]int{true: 1}[*on]
			}
		}
		if s.ConnReuseMode != nil {
			n[sysctlConnReuseMode] = *s.ConnReuseMode
		}
	}
	return n
}

// timeouts puts the timeouts among numbers into the kernel's words; 0 is one that is not among them.
func (n numbers) timeouts() ipvs.Timeouts {
	of := func(f field) time.Duration { return time.Duration(n[f]) * time.Second }
	return ipvs.Timeouts{TCP: of(timeoutTCP), TCPFin: of(timeoutTCPFin), UDP: of(timeoutUDP)}
}
