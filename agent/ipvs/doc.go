// Package ipvs is the kernel's table of virtual services: read it, compare it with another, change it.
//
// A Table is a value. Diff says, purely, which operations turn one table into another. Kernel reads
// the real table and carries operations out; Fake is the same in memory. The package does not know
// what anybody wants the table to hold, or why: no specification, health, ownership or policy.
//
// # Two ways to the kernel
//
// Services are written through moby/ipvs: NewService, UpdateService, DelService. Everything else goes
// through generic netlink of our own (include/uapi/linux/ip_vs.h), because there moby/ipvs 1.1.0 is
// wrong or has nothing:
//
//   - The family is looked up here, each time it is not known, and moby/ipvs is not called before it
//     was found. moby/ipvs looks once in the life of a process and, on a kernel without IPVS, reports
//     success for whatever it is asked to do.
//   - Destinations are written here: moby/ipvs leaves their address family out, and the kernel then
//     takes the first four bytes of an IPv6 address for an IPv4 one.
//   - Both are read here: moby/ipvs cuts weights to 16 bits, leaves out persistence engines and does
//     not notice an interrupted dump.
//   - Information about the kernel's IPVS: moby/ipvs has none.
//
// Either way, one call is under way at a time and none waits for ever: a reply that is lost ends in
// an error and a new socket.
package ipvs
