package ipvs

import (
	"net/netip"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUnchangedDestinationsAreGivenOutAgain(t *testing.T) {
	t.Parallel()
	row := func(last byte, weight, active uint32) destinationRow {
		return destinationRow{
			server:  netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, last}), 80),
			is:      Destination{Weight: weight},
			counted: DestinationStats{Connections: Connections{Active: active}},
		}
	}
	last := []destinationRow{row(1, 1, 0), row(2, 2, 0)}
	for name, c := range map[string]struct {
		rows             []destinationRow
		are, countedSame bool
	}{
		"as before":          {rows: last, are: true, countedSame: true},
		"another weight":     {rows: []destinationRow{row(1, 1, 0), row(2, 3, 0)}, countedSame: true},
		"another connection": {rows: []destinationRow{row(1, 1, 0), row(2, 2, 1)}, are: true},
		"one less":           {rows: []destinationRow{row(1, 1, 0)}},
		"one more":           {rows: []destinationRow{row(1, 1, 0), row(2, 2, 0), row(3, 3, 0)}},
		"another one":        {rows: []destinationRow{row(1, 1, 0), row(3, 2, 0)}},
		"one twice":          {rows: []destinationRow{row(1, 1, 0), row(1, 1, 0)}}, // the list changed while it was read
		"none left":          {},
	} {
		before := destinations{}.next(last)
		got := before.next(c.rows)
		want := destinations{}.next(c.rows)
		sameAddress := cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })
		if diff := cmp.Diff(want.are, got.are, sameAddress) + cmp.Diff(want.counted, got.counted, sameAddress); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if same := sameMap(before.are, got.are); same != c.are {
			t.Errorf("%s: the same destinations: %t, want %t", name, same, c.are)
		}
		if same := sameMap(before.counted, got.counted); same != c.countedSame {
			t.Errorf("%s: the same statistics: %t, want %t", name, same, c.countedSame)
		}
		if len(before.are) != len(last) || len(before.counted) != len(last) {
			t.Errorf("%s: what was read before was written to", name)
		}
	}
	empty := destinations{}.next(nil)
	if empty.are == nil || empty.counted == nil {
		t.Error("a service without destinations has none to write to")
	}
}

func sameMap(a, b any) bool {
	return reflect.ValueOf(a).UnsafePointer() == reflect.ValueOf(b).UnsafePointer()
}

// A table of ten thousand is read every half minute.
func TestSameTableMakesNoGarbage(t *testing.T) {
	message := destinationMessage(netip.MustParseAddrPort("192.0.2.21:80"), Destination{Forwarding: DirectRouting, Weight: 1})
	var rows []destinationRow
	read := destinations{}
	if n := testing.AllocsPerRun(100, func() {
		rows = rows[:0]
		for range 10 {
			server, is, counted, err := decodeDestination(message, IPv4)
			if err != nil {
				t.Error(err)
			}
			rows = append(rows, destinationRow{server, is, counted})
		}
		read = read.next(rows)
	}); n > 0 {
		t.Errorf("%v allocations, want none", n)
	}
	if !slices.Equal(read.rows, rows) {
		t.Error("the rows are not what was read")
	}
}
