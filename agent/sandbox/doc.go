// Package sandbox runs programs of the director's administrator: check scripts and hooks. Which may run, as
// whom, with what, for how long, and that nothing of one is left when it is over, is decided here alone; it
// is the one place of the agent that starts programs.
//
// It knows neither why a program runs nor what its exit status means.
package sandbox
