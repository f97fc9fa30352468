package tune

import (
	"fmt"
)

// Former is what a setting was before it was changed here for the first time.
type Former struct {
	// Machine is the boot and the network namespace that it was in, see Config.Identity.
	Machine string `json:"machine"`
	// Field is the setting's name, timeouts.tcp in seconds or sysctls.conntrack, or connection_sync, whose
	// daemons are stopped when they are wanted no more: they have no former value.
	Field string `json:"field"`
	Value int    `json:"value"`
}

// Ledger is the record, on disk, of what settings were before.
type Ledger interface {
	// Entries returns what is recorded.
	Entries() ([]Former, error)
	// Record adds entries, before the settings are changed.
	Record(...Former) error
	// Forget removes entries, after the settings are what they were.
	Forget(...Former) error
}

// fieldSync is the field of an entry that says that the sync daemons are ours.
const fieldSync field = "connection_sync"

// formers are the entries of this machine, by field.
type formers map[field]Former

// formersOf reads the record, and forgets what is of another boot.
func formersOf(l Ledger, machine string) (formers, error) {
	entries, err := l.Entries()
	if err != nil {
		return nil, fmt.Errorf("read what the settings were before: %w", err)
	}
	own := formers{}
	var void []Former
	for _, e := range entries {
		if e.Machine == machine {
			own[field(e.Field)] = e
		} else {
			void = append(void, e)
		}
	}
	return own, forget(l, void)
}

// record writes down what is about to be changed for the first time, as it is now.
func (f formers) record(l Ledger, machine string, now numbers, asked numbers, sync bool) error {
	var first []Former
	for _, of := range asked.fields() {
		value, there := now[of]
		if _, known := f[of]; there && !known {
			first = append(first, Former{Machine: machine, Field: string(of), Value: value})
		}
	}
	if _, known := f[fieldSync]; sync && !known {
		first = append(first, Former{Machine: machine, Field: string(fieldSync)})
	}
	if len(first) == 0 {
		return nil
	}
	if err := l.Record(first...); err != nil {
		return fmt.Errorf("record what the settings were before: %w", err)
	}
	for _, e := range first {
		f[field(e.Field)] = e
	}
	return nil
}

// settle forgets what is asked for no more and is what it was before.
func (f formers) settle(l Ledger, now settings, asked numbers, sync bool) error {
	var settled []Former
	for of, e := range f {
		_, wanted := asked[of]
		value, there := now.numbers[of]
		switch {
		case of == fieldSync && !sync && now.daemons == daemons{}:
			settled = append(settled, e)
		case of != fieldSync && !wanted && (!there || value == e.Value):
			settled = append(settled, e)
		}
	}
	return forget(l, settled)
}

func forget(l Ledger, entries []Former) error {
	if len(entries) == 0 {
		return nil
	}
	if err := l.Forget(entries...); err != nil {
		return fmt.Errorf("forget what the settings were before: %w", err)
	}
	return nil
}

// numbers are the values to put back.
func (f formers) numbers() numbers {
	n := numbers{}
	for of, e := range f {
		if of != fieldSync {
			n[of] = e.Value
		}
	}
	return n
}

// synced reports whether the sync daemons are ours.
func (f formers) synced() bool {
	_, ours := f[fieldSync]
	return ours
}
