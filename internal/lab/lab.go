// Package lab makes real networks for tests and for the demo: network namespaces as hosts, a bridge
// as their switch, keepalived as a peer, and, where the running kernel has no IPVS, a guest kernel
// that has it (user-mode Linux: an ordinary process whose root file system is the host's).
//
// Nothing here is simulated, and nothing here knows what is tested in it: the package imports no
// other part of this project. What it makes is its own: it sends no packet from the namespace that
// the program was started in, and it takes down whatever it set up.
//
// A test package that needs such a network says so in its TestMain:
//
//	func TestMain(m *testing.M) { lab.Main(m, lab.NeedIPVS) }
//
// and each test starts its own, beside any other:
//
//	n := lab.Start(t)
//	client := n.Host(t, "client", "192.0.2.1/24")
package lab

import "context"

// TB is what the lab wants of a test. *testing.T and *testing.B have it.
type TB interface {
	Helper()
	Cleanup(func())
	Context() context.Context
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}
