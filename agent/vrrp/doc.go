// Package vrrp takes part in virtual routers (VRRP version 3, RFC 9568, and
// version 2, RFC 3768) on behalf of a director.
//
// Packet is the codec, Machine the protocol: both are pure, without goroutine, clock or socket. Engine
// runs the machines of all instances on one thread that does nothing but decide and send, and hears on
// another; addresses, gratuitous ARP, log lines and callbacks happen elsewhere and never stand before an
// advert.
//
// The package must not know how addresses get on an interface, how scripts are run, or where desired
// state comes from: it declares Interfaces, Addresses and Scripts, and is told by Engine.Set.
package vrrp
