package ipvs

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// readTable dumps the services and, for each, its destinations: the kernel has no command for all. A
// service that goes meanwhile has none, and the next reading misses it.
func (c *socket) readTable(ctx context.Context) (table Table, stats Stats, err error) {
	size := len(c.read)
	restart := func() { table, stats = make(Table, size), make(Stats, size) }
	err = c.dump(ctx, commandGetService, nil, restart, func(message []byte) error {
		return take(message, table, stats)
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read services: %w", err)
	}
	for key := range table {
		if err := c.readDestinations(ctx, key, table, stats); err != nil {
			return nil, nil, fmt.Errorf("read destinations of %s: %w", key, err)
		}
	}
	for key := range c.read {
		if _, there := table[key]; !there {
			delete(c.read, key)
		}
	}
	return table, stats, nil
}

// readService reads one service, if it is there.
func (c *socket) readService(ctx context.Context, key ServiceKey, table Table, stats Stats) error {
	message, err := c.get(ctx, commandGetService, func(e *encoder) { e.nested(attrService, func() { e.key(key) }) })
	if errors.Is(err, syscall.ESRCH) {
		delete(c.read, key)
		return nil
	}
	if err != nil {
		return err
	}
	if err := take(message, table, stats); err != nil {
		return err
	}
	return c.readDestinations(ctx, key, table, stats)
}

// take puts an answer to IPVS_CMD_GET_SERVICE into the table.
func take(message []byte, table Table, stats Stats) error {
	key, options, traffic, err := decodeService(message)
	if err != nil {
		return err
	}
	table[key], stats[key] = Service{Options: options}, ServiceStats{Traffic: traffic}
	return nil
}

// readDestinations puts the destinations of a service into the table.
func (c *socket) readDestinations(ctx context.Context, key ServiceKey, table Table, stats Stats) error {
	rows := c.rows
	restart := func() { rows = rows[:0] }
	of := func(e *encoder) { e.nested(attrService, func() { e.key(key) }) }
	err := c.dump(ctx, commandGetDestination, of, restart, func(message []byte) error {
		server, is, counted, err := decodeDestination(message, key.Family())
		rows = append(rows, destinationRow{server, is, counted})
		return err
	})
	c.rows = rows
	if err != nil {
		return err
	}
	now := c.read[key].next(rows)
	c.read[key] = now
	service, numbers := table[key], stats[key]
	service.Destinations, numbers.Destinations = now.are, now.counted
	table[key], stats[key] = service, numbers
	return nil
}

// destinations are those of a service as they were read last. Nearly always they are so again, and then they are
// given out again: a table of thousands that is read anew every half minute would be much garbage.
type destinations struct {
	rows    []destinationRow
	are     map[netip.AddrPort]Destination
	counted map[netip.AddrPort]DestinationStats
}

// destinationRow is what an answer to IPVS_CMD_GET_DEST says.
type destinationRow struct {
	server  netip.AddrPort
	is      Destination
	counted DestinationStats
}

// next returns the destinations that the rows say, which are gone with the next reading.
func (d destinations) next(rows []destinationRow) destinations {
	same := func(equal func(a, b *destinationRow) bool) bool {
		return slices.EqualFunc(d.rows, rows, func(a, b destinationRow) bool { return a.server == b.server && equal(&a, &b) })
	}
	if d.are == nil || !same(func(a, b *destinationRow) bool { return a.is == b.is }) {
		d.are = make(map[netip.AddrPort]Destination, len(rows))
		for i := range rows {
			d.are[rows[i].server] = rows[i].is
		}
	}
	if d.counted == nil || !same(func(a, b *destinationRow) bool { return a.counted == b.counted }) {
		d.counted = make(map[netip.AddrPort]DestinationStats, len(rows))
		for i := range rows {
			d.counted[rows[i].server] = rows[i].counted
		}
	}
	d.rows = append(d.rows[:0], rows...)
	return d
}
