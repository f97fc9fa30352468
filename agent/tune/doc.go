// Package tune keeps the settings of a machine that belong to IPVS as they are asked for: the kernel's
// connection sync, its timeouts and its sysctls.
//
// What a setting was before is recorded before it is changed, and put back when it is asked for no more.
// A record of another boot is void: the kernel began anew then. The two sync daemons are taken over as
// they run, and restarted alone when they have to be others; when connection sync is asked for no more,
// they are stopped.
//
// The decisions are pure: aim says what to have, differences names drift. Tuner is the task around them.
// Like balance it starts every pass from what there is and writes the difference alone. The package knows
// the specification and what the kernel's IPVS has; how that and the rest of the machine are reached, who
// is active, and where the record is kept, is behind IPVS, Machine, Roles and Ledger.
package tune
