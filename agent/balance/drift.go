package balance

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// fieldPresent is the field in which a service or server differs that is there or not as a whole.
const fieldPresent = "present"

// differences names, field by field, in what actual is not want, in order. Services of actual that are
// not in want are passed over: they are not ours. Names are those of the services; one without is
// named by its key.
func differences(actual, want ipvs.Table, names map[ipvs.ServiceKey]string) []spec.Drift {
	found := []spec.Drift{}
	var differ []ipvs.ServiceKey
	for key, ours := range want {
		if is, there := actual[key]; !there || !is.Equal(ours) {
			differ = append(differ, key)
		}
	}
	slices.SortFunc(differ, ipvs.ServiceKey.Compare)
	for _, key := range differ {
		d := fields{found: &found, drift: spec.Drift{Kind: spec.KindVirtualServer, Name: names[key]}}
		if d.drift.Name == "" {
			d.drift.Name = key.String()
		}
		is, there := actual[key]
		ours := want[key]
		if !there {
			d.present(there, true)
			continue
		}
		d.options(is.Options, ours.Options)
		d.drift.Kind = spec.KindRealServer
		for _, server := range addressesOf(is, ours) {
			d.drift.Server = server.String()
			isThere, there := is.Destinations[server]
			our, wanted := ours.Destinations[server]
			if there != wanted {
				d.present(there, wanted)
				continue
			}
			d.destination(isThere, our)
		}
	}
	return found
}

// addressesOf returns the addresses of both services' destinations in order.
func addressesOf(a, b ipvs.Service) []netip.AddrPort {
	both := ipvs.Service{Destinations: map[netip.AddrPort]ipvs.Destination{}}
	for _, s := range []ipvs.Service{a, b} {
		for server := range s.Destinations {
			both.Destinations[server] = ipvs.Destination{}
		}
	}
	return both.Addresses()
}

// fields compares the fields of one service or server.
type fields struct {
	drift spec.Drift
	found *[]spec.Drift
}

func (d fields) field(name, actual, want string) {
	if actual == want {
		return
	}
	d.drift.Field, d.drift.Actual, d.drift.Want = name, actual, want
	*d.found = append(*d.found, d.drift)
}

func (d fields) present(actual, want bool) {
	d.field(fieldPresent, strconv.FormatBool(actual), strconv.FormatBool(want))
}

func (d fields) number(name string, actual, want uint32) {
	d.field(name, strconv.FormatUint(uint64(actual), 10), strconv.FormatUint(uint64(want), 10))
}

func (d fields) options(actual, want ipvs.Options) {
	d.field("scheduler", actual.Scheduler, want.Scheduler)
	d.field("scheduler_flags", flagNames(actual), flagNames(want))
	d.field("one_packet", onePacket(actual), onePacket(want))
	d.field("persistence", persistence(actual.Persistence), persistence(want.Persistence))
}

func (d fields) destination(actual, want ipvs.Destination) {
	d.field("forwarding_method", actual.Forwarding.String(), want.Forwarding.String())
	d.field("tunnel", tunnelText(actual), tunnelText(want))
	d.number("weight", actual.Weight, want.Weight)
	d.number("upper_threshold", actual.UpperThreshold, want.UpperThreshold)
	d.number("lower_threshold", actual.LowerThreshold, want.LowerThreshold)
}

const none = "none"

func flagNames(o ipvs.Options) string {
	if names := o.SchedulerFlags(); len(names) > 0 {
		return strings.Join(names, ",")
	}
	return none
}

func onePacket(o ipvs.Options) string { return strconv.FormatBool(o.Flags&ipvs.OnePacket != 0) }

// persistence returns none, 300s/24 or 300s/32 sip.
func persistence(p ipvs.Persistence) string {
	if p == (ipvs.Persistence{}) {
		return none
	}
	return strings.TrimSpace(fmt.Sprintf("%ds/%d %s", p.Timeout, p.PrefixLength, p.Engine))
}

// tunnelText returns none, ipip, gre checksum or gue 6080 remote_checksum.
func tunnelText(d ipvs.Destination) string {
	if d.Forwarding != ipvs.Tunnel {
		return none
	}
	text := d.Tunnel.Type.String()
	if d.Tunnel.Port != 0 {
		text += " " + strconv.Itoa(int(d.Tunnel.Port))
	}
	if d.Tunnel.Checksum != ipvs.NoChecksum {
		text += " " + d.Tunnel.Checksum.String()
	}
	return text
}
