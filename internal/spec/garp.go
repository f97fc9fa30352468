package spec

import (
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// GARP says how often an active director announces its virtual addresses to the neighbours: by gratuitous
// ARP, or by unsolicited neighbour advertisements for IPv6. A first round, of all addresses, always goes
// out at once.
type GARP struct {
	Delay         Duration `json:"delay" required:"false" doc:"default 5s; time from the first round to the further ones: the first may fall into a switch's own recovery"`
	Repeat        int      `json:"repeat" minimum:"0" maximum:"100" required:"false" default:"5" doc:"number of further rounds"`
	Refresh       Duration `json:"refresh" required:"false" doc:"default 0s; time between two announcements while active; 0s for none"`
	RefreshRepeat int      `json:"refresh_repeat" minimum:"1" maximum:"100" required:"false" default:"1" doc:"rounds of each such announcement"`
	Rate          int      `json:"rate" minimum:"1" maximum:"100000" required:"false" default:"1000" doc:"most announcements a second in all rounds but the first"`
}

// Limits of GARP.
const (
	maxGARPDelay   = Duration(time.Hour)
	minGARPRefresh = Duration(time.Second)
	maxGARPRefresh = Duration(24 * time.Hour)
	maxGARPRounds  = 100
	maxGARPRate    = 100_000
)

// DefaultGARP returns what keepalived's users know as garp_master_delay 5 and garp_master_repeat 5.
func DefaultGARP() GARP {
	return GARP{Delay: Duration(5 * time.Second), Repeat: 5, RefreshRepeat: 1, Rate: 1000}
}

// UnmarshalJSONFrom fills in the defaults.
func (g *GARP) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type plain GARP
	*g = DefaultGARP()
	return json.UnmarshalDecode(dec, (*plain)(g))
}

func (g *GARP) validate(pointer string) FieldErrors {
	var errs FieldErrors
	if g.Delay < 0 || g.Delay > maxGARPDelay {
		errs.add(pointer+"/delay", "%s is out of range: use 0s to %s", g.Delay, maxGARPDelay)
	}
	errs.within(pointer+"/repeat", g.Repeat, 0, maxGARPRounds)
	if g.Refresh != 0 && (g.Refresh < minGARPRefresh || g.Refresh > maxGARPRefresh) {
		errs.add(pointer+"/refresh", "%s is out of range: use %s to %s, or 0s for no refreshing", g.Refresh, minGARPRefresh, maxGARPRefresh)
	}
	errs.within(pointer+"/refresh_repeat", g.RefreshRepeat, 1, maxGARPRounds)
	errs.within(pointer+"/rate", g.Rate, 1, maxGARPRate)
	return errs
}
