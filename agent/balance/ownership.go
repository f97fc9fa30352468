package balance

import (
	"fmt"

	"github.com/lvs-director/terraform-provider-lvs/agent/ipvs"
)

// Ledger is the record, on disk, of which services in the kernel's table are ours. A service that is
// neither in it nor desired is somebody else's, and is never touched.
type Ledger interface {
	// Entries returns the services that are recorded.
	Entries() ([]ipvs.ServiceKey, error)
	// Record adds services, before they are put into the table.
	Record(...ipvs.ServiceKey) error
	// Forget removes services, after they are gone from the table.
	Forget(...ipvs.ServiceKey) error
}

// claim records every service of want that is not, so that a crash between this and the next write
// leaves nothing behind that nobody knows. It returns all that is ours.
func claim(l Ledger, want ipvs.Table) (ours map[ipvs.ServiceKey]bool, err error) {
	entries, err := l.Entries()
	if err != nil {
		return nil, fmt.Errorf("read which services are ours: %w", err)
	}
	ours = make(map[ipvs.ServiceKey]bool, len(entries))
	for _, key := range entries {
		ours[key] = true
	}
	var claims []ipvs.ServiceKey
	for _, key := range want.Keys() {
		if !ours[key] {
			claims = append(claims, key)
			ours[key] = true
		}
	}
	if len(claims) == 0 {
		return ours, nil
	}
	if err := l.Record(claims...); err != nil {
		return nil, fmt.Errorf("record which services are ours: %w", err)
	}
	return ours, nil
}

// disclaim forgets what is ours no longer: not wanted, and gone from the table.
func disclaim(l Ledger, ours map[ipvs.ServiceKey]bool, want, actual ipvs.Table) error {
	var gone []ipvs.ServiceKey
	for key := range ours {
		_, wanted := want[key]
		_, there := actual[key]
		if !wanted && !there {
			gone = append(gone, key)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	if err := l.Forget(gone...); err != nil {
		return fmt.Errorf("forget services that are gone: %w", err)
	}
	return nil
}

// only returns the services of a table that are ours. They are shared with the table.
func only(table ipvs.Table, ours map[ipvs.ServiceKey]bool) ipvs.Table {
	part := ipvs.Table{}
	for key := range ours {
		if service, ok := table[key]; ok {
			part[key] = service
		}
	}
	return part
}
