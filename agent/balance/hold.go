package balance

import (
	"maps"
	"net/netip"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
)

// hold returns the table to write when what somebody else changed is to be left: want, except that
// what we have not changed since base, what was last wanted, stays as it actually is. All three hold
// our services only, and base nothing when nothing was wanted yet.
func hold(base, actual, want ipvs.Table) ipvs.Table {
	held := make(ipvs.Table, len(want))
	for key, ours := range want {
		was, known := base[key]
		is, there := actual[key]
		switch {
		case !known:
			held[key] = ours
		case there:
			held[key] = holdService(was, is, ours)
		}
		// Otherwise somebody deleted it. What would have changed in it has nowhere to go.
	}
	return held
}

// halfway returns what of a service counts as what was last wanted, when it did not become all that is wanted now: what
// did, and otherwise what was wanted before.
func halfway(before, actual, want ipvs.Service) ipvs.Service {
	now := ipvs.Service{Options: before.Options, Destinations: map[netip.AddrPort]ipvs.Destination{}}
	if actual.Options == want.Options {
		now.Options = want.Options
	}
	servers := maps.Clone(before.Destinations)
	maps.Copy(servers, want.Destinations)
	for server := range servers {
		was, known := before.Destinations[server]
		is, there := actual.Destinations[server]
		if ours, wanted := want.Destinations[server]; there == wanted && is == ours {
			was, known = ours, wanted
		}
		if known {
			now.Destinations[server] = was
		}
	}
	return now
}

func holdService(base, actual, want ipvs.Service) ipvs.Service {
	held := ipvs.Service{Options: want.Options, Destinations: map[netip.AddrPort]ipvs.Destination{}}
	if base.Options == want.Options {
		held.Options = actual.Options
	}
	servers := maps.Clone(actual.Destinations)
	maps.Copy(servers, want.Destinations)
	for server := range servers {
		was, known := base.Destinations[server]
		ours, wanted := want.Destinations[server]
		is, there := actual.Destinations[server]
		switch unchanged := known == wanted && was == ours; {
		case unchanged && there:
			held.Destinations[server] = is
		case !unchanged && wanted:
			held.Destinations[server] = ours
		}
	}
	return held
}
