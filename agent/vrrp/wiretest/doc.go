// Package wiretest tests agent/vrrp and agent/link on a real network: network namespaces as hosts, a
// process for each director so that kill -9 is a real one, and keepalived as a peer. It needs the rights
// to make namespaces, which is why it is not beside what it tests: those tests run everywhere.
package wiretest
