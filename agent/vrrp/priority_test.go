package vrrp

import "testing"

func TestEffectivePriority(t *testing.T) {
	t.Parallel()
	passing := func(weight int) Tracker { return Tracker{Weight: weight, Known: true, Passing: true} }
	failing := func(weight int) Tracker { return Tracker{Weight: weight, Known: true} }
	unknown := func(weight int) Tracker { return Tracker{Weight: weight} }
	tests := map[string]struct {
		base     int
		trackers []Tracker
		want     uint8
	}{
		"nothing tracked":                {150, nil, 150},
		"passing adds a positive weight": {100, []Tracker{passing(20)}, 120},
		"failing adds no positive one":   {100, []Tracker{failing(20)}, 100},
		"failing takes a negative one":   {150, []Tracker{failing(-60)}, 90},
		"passing takes no negative one":  {150, []Tracker{passing(-60)}, 150},
		"no verdict moves nothing":       {100, []Tracker{unknown(20), unknown(-20)}, 100},
		"weight 0 moves nothing":         {100, []Tracker{passing(0), failing(0)}, 100},
		"weights add up":                 {100, []Tracker{passing(20), failing(-50), passing(7)}, 77},
		"72 not below 1":                 {100, []Tracker{failing(-253)}, 1},
		"72 not above 254":               {200, []Tracker{passing(253)}, 254},
		"sums are cut at the end":        {200, []Tracker{passing(253), failing(-253)}, 200},
		"72 the owner stays at 255":      {255, []Tracker{failing(-60)}, 255},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := EffectivePriority(test.base, test.trackers); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}
