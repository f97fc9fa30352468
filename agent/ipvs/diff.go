package ipvs

import "slices"

// Diff returns the operations that turn actual into desired: no more than needed, in an order of their
// own, and such that no service is without a destination on the way that has one before and after.
// What is gained comes first, services with all they hold and destinations that take connections; then
// what is to take no more; then what goes. So a service that moves to another address is there before
// it is gone.
func Diff(actual, desired Table) []Op {
	var gains, quiesces, losses []Op
	for _, key := range desired.Keys() {
		want := desired[key]
		have, exists := actual[key]
		switch {
		case exists && have.Equal(want):
			continue
		case !exists:
			gains = append(gains, Op{Action: AddService, Service: key, Options: want.Options})
		case have.Options != want.Options:
			gains = append(gains, Op{Action: EditService, Service: key, Options: want.Options})
		}
		for _, server := range want.Addresses() {
			is, exists := have.Destinations[server]
			op := Op{Action: AddDestination, Service: key, Server: server, Destination: want.Destinations[server]}
			switch {
			case !exists:
				gains = append(gains, op)
			case is == op.Destination:
			case op.Destination.Weight == 0:
				op.Action = EditDestination
				quiesces = append(quiesces, op)
			default:
				op.Action = EditDestination
				gains = append(gains, op)
			}
		}
		for _, server := range have.Addresses() {
			if _, wanted := want.Destinations[server]; !wanted {
				losses = append(losses, Op{Action: DeleteDestination, Service: key, Server: server})
			}
		}
	}
	for _, key := range actual.Keys() {
		if _, wanted := desired[key]; !wanted {
			losses = append(losses, Op{Action: DeleteService, Service: key})
		}
	}
	return slices.Concat(gains, quiesces, losses)
}
