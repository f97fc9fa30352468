// Package handover puts a new process in the place of a running one. The running one starts it, lets it inherit its
// listening sockets, and leads it through four steps over a pair of sockets:
//
//	running                         new
//	offer: protocol, sockets   ->
//	                           <-   prepared: its configuration is good, its sockets are open
//	state: what it has found out -> the file of the state is free from here on
//	                           <-   ready: it does all but what comes now
//	instances: where they are  ->   nobody sends adverts, for a moment
//	                           <-   taken: it sends them
//	rest: what nobody waits for ->
//
// Until taken is heard, the running process can end the new one and go on: after Kill there is nobody beside it. From
// there on it must not. The new process has nothing before it is given to it, so when the running one dies it ends.
//
// The messages are JSON, one in a line. Fields may be added; a change that an older process could misunderstand takes
// another Protocol, and processes whose protocols differ do not hand over.
//
// The package knows nothing of what is handed over.
package handover

// Protocol is the version of the steps and of what goes with them.
const Protocol = 1

// Step names what a message says. Offer, State, Instances and Rest come from the process that runs, the others from the
// new one.
type Step string

// The steps, in order. Refused may come in the place of any that the new process says.
const (
	Offer     Step = "offer"
	Prepared  Step = "prepared"
	State     Step = "state"
	Ready     Step = "ready"
	Instances Step = "instances"
	Taken     Step = "taken"
	Rest      Step = "rest"
	Refused   Step = "refused"
)

// variable is set for a process that is to take over. It says which descriptor is the pair of sockets; the listening
// sockets are those after it.
const variable = "LVS_AGENT_HANDOVER"
