// Package ipvs is the kernel's table of virtual services: read it, compare it with another, change it; and
// what the kernel's IPVS has beside it, sync daemons and timeouts.
//
// A Table is a value. Diff says, purely, which operations turn one table into another. Kernel reads
// the real table and carries operations out; Fake is the same in memory. The package does not know
// what anybody wants the table to hold, or why: no specification, health, ownership or policy.
//
// # The way to the kernel
//
// Everything goes through generic netlink of our own (include/uapi/linux/ip_vs.h), many messages in one
// send with one acknowledgement, and the kernel's errors for each. moby/ipvs lends its constants. Its
// calls are not used for services and destinations, because moby/ipvs 1.1.0 is wrong there or has
// nothing:
//
//   - It sends one message and waits, which takes seven times as long for a whole table, and waits
//     without end for a reply that was lost.
//   - It looks for the family once in the life of a process, with a modprobe of its own, never notices
//     that the module was loaded later or anew, and on a kernel without IPVS reports success for
//     whatever it is asked to do. Here the family is looked up whenever the kernel does not know it.
//   - It leaves out the address family of a destination, so that the kernel takes the first four bytes
//     of an IPv6 address for an IPv4 one, and has no kinds of tunnel.
//   - It cuts weights to 16 bits and counters to 32, leaves out persistence engines and does not notice
//     an interrupted dump.
//   - It has no sync daemons, takes a timeout of half a second for "leave it as it is", and panics when it
//     is asked for timeouts where there is no IPVS.
//
// One call is under way at a time and none waits for ever: a reply that is lost ends in an error and a
// new socket.
package ipvs
