//go:build race

package lab

// A binary with the race detector does not start in a guest: the detector wants memory at addresses
// that the guest has not.
const raceDetector = true
