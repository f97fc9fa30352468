package vrrp

import "testing"

func TestEffectivePriority(t *testing.T) {
	t.Parallel()
	passing := func(weight int) Tracker { return Tracker{Weight: weight, Known: true, Passing: true} }
	failing := func(weight int) Tracker { return Tracker{Weight: weight, Known: true} }
	unknown := func(weight int) Tracker { return Tracker{Weight: weight} }
	inverse := func(t Tracker) Tracker { t.Inverse = true; return t }
	tests := map[string]struct {
		base     int
		trackers []Tracker
		want     uint8
	}{
		"nothing tracked":                                 {150, nil, 150},
		"passing adds a positive weight":                  {100, []Tracker{passing(20)}, 120},
		"failing adds no positive one":                    {100, []Tracker{failing(20)}, 100},
		"failing takes a negative one":                    {150, []Tracker{failing(-60)}, 90},
		"passing takes no negative one":                   {150, []Tracker{passing(-60)}, 150},
		"no verdict moves nothing":                        {100, []Tracker{unknown(20), unknown(-20)}, 100},
		"weight 0 moves nothing":                          {100, []Tracker{passing(0), failing(0)}, 100},
		"weights add up":                                  {100, []Tracker{passing(20), failing(-50), passing(7)}, 77},
		"inverse takes a positive weight while it passes": {100, []Tracker{inverse(passing(20))}, 80},
		"inverse adds a negative one while it fails":      {100, []Tracker{inverse(failing(-20))}, 120},
		"inverse moves nothing otherwise":                 {100, []Tracker{inverse(failing(20)), inverse(passing(-20)), inverse(unknown(20))}, 100},
		"72 not below 1":                                  {100, []Tracker{failing(-253)}, 1},
		"72 not above 254":                                {200, []Tracker{passing(253)}, 254},
		"sums are cut at the end":                         {200, []Tracker{passing(253), failing(-253)}, 200},
		"72 the owner stays at 255":                       {255, []Tracker{failing(-60)}, 255},
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

func TestTrackerOfWeightZeroIsAFault(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		tracker Tracker
		failed  bool
	}{
		{Tracker{}, true}, // nothing is known
		{Tracker{Known: true}, true},
		{Tracker{Known: true, Passing: true}, false},
		{Tracker{Inverse: true}, true},
		{Tracker{Inverse: true, Known: true}, false},
		{Tracker{Inverse: true, Known: true, Passing: true}, true},
		{Tracker{Weight: 1, Known: true}, false},
		{Tracker{Weight: -1}, false},
	} {
		if got := test.tracker.failed(); got != test.failed {
			t.Errorf("%+v: fault %t, want %t", test.tracker, got, test.failed)
		}
	}
}
