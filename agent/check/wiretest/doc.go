// Package wiretest tests probes of agent/check on interfaces of a real kernel, in network namespaces. It needs the
// rights to make them, which is why it is not beside what it tests: those tests run everywhere.
package wiretest
