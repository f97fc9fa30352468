// Package balance decides what the kernel's IPVS table should hold, from what is desired and from what
// checks say, and keeps it so.
//
// The decisions are pure: Compute makes the table, remember keeps verdicts through restarts, hold
// leaves alone what somebody else changed, differences names drift. Balancer is the task around them.
// It starts every pass from what the kernel holds, so no event can be lost, and writes the difference
// alone, so what is right is not disturbed.
//
// The package knows the desired state and the table. How a server is checked, how the table is read
// and written, and where the record of what is ours is kept, is behind Health, Kernel and Ledger.
package balance
