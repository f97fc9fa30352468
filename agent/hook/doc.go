// Package hook tells others of what happens on a director: programs on it, and web servers.
//
// It reads the log of events by a cursor of its own, so that nobody who tells of an event waits for a hook. What a
// hook is to be told is written down before it is told and struck out afterwards: after a crash it may be told
// twice, but not never. Each hook is told in order, one notification after the other, and none waits for another hook.
//
// The package does not know where events come from.
package hook
