package link

import (
	"errors"
	"fmt"
	"testing"

	"github.com/vishvananda/netlink"
)

func TestWhole_BeginsAnewWhenAListingWasInterrupted(t *testing.T) {
	t.Parallel()
	other := errors.New("no buffer space available")
	tests := map[string]struct {
		interruptions int
		err           error
		calls         int
	}{
		"not at all":   {0, nil, 1},
		"once":         {1, nil, 2},
		"always":       {1000, nil, dumpAttempts}, // what was read last has to do
		"other errors": {0, other, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			got, err := whole(func() (int, error) {
				calls++
				if calls <= test.interruptions {
					return calls, fmt.Errorf("list: %w", netlink.ErrDumpInterrupted)
				}
				return calls, test.err
			})
			if got != test.calls || calls != test.calls || !errors.Is(err, test.err) {
				t.Errorf("result %d of %d calls, error %v; want that of %d, %v", got, calls, err, test.calls, test.err)
			}
		})
	}
}
