package vrrp

import (
	"testing"
	"time"
)

func TestVerdictOf_CountsForAWhileOfThisBoot(t *testing.T) {
	t.Parallel()
	const now = time.Hour
	for name, test := range map[string]struct {
		trace          int64
		passing, known bool
	}{
		"none":              {0, false, false},
		"passing":           {verdictTrace(now-time.Second, true), true, true},
		"failing":           {verdictTrace(now-time.Second, false), false, true},
		"just young enough": {verdictTrace(now-verdictKept, true), true, true},
		"too old":           {verdictTrace(now-verdictKept-1, true), false, false},
		"of another boot":   {verdictTrace(now+1, false), false, false},
	} {
		if passing, known := verdictOf(test.trace, now); passing != test.passing || known != test.known {
			t.Errorf("%s: passing %t, known %t", name, passing, known)
		}
	}
}
