// Package check decides who gets traffic: it probes real servers, runs check scripts, and says of each
// whether it passes.
//
// It is declarative: Checker.Set is told what there is to check, Checker.Run checks it until it is told
// otherwise, and Checker.Server and Checker.Script answer with the present verdict. What cannot be
// checked fails: a script that is missing, or may not run, never counts as healthy.
//
// The package knows nothing of what its verdicts are good for. Neither weights nor priorities are known
// here, nor the kernel's table; whoever needs a verdict asks for it when Config.Changed says that one
// changed. It is the only package of the agent that starts programs.
package check
