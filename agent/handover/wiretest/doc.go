// Package wiretest upgrades agents on a real network, beside others who would notice: keepalived, and one another.
package wiretest
