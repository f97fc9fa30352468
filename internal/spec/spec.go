// Package spec is the vocabulary that the Terraform provider and the agent share: what a user may ask
// for, when a request is valid, and what a director answers.
//
// It is pure: no clock, no socket, no file, and nothing of this module is imported here. Whatever a
// single machine has to be asked about (does the interface exist, may the script run) is checked by
// the agent; whatever can be known from the values alone is checked here, once, for both sides.
package spec

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
)

// Kind names one of the kinds of object, as it stands in drift reports, logs and metrics.
type Kind string

// The kinds.
const (
	KindVRRPInstance  Kind = "vrrp_instance"
	KindVirtualServer Kind = "virtual_server"
	KindRealServer    Kind = "real_server"
	KindCheckScript   Kind = "check_script"
	// KindRealServerGroup is all real servers of a virtual server at once, by whose name it goes.
	KindRealServerGroup Kind = "real_server_group"
	// KindDrain is no object of its own, but kept beside the real servers: see Drain.
	KindDrain Kind = "drain"
	// KindCreation is no object of its own, but kept beside one: see Creation.
	KindCreation     Kind = "creation"
	KindIPVSSettings Kind = "ipvs_settings"
)

// String returns the kind as a person writes it: "virtual server".
func (k Kind) String() string { return strings.ReplaceAll(string(k), "_", " ") }

// NamePattern is what the names of objects match. They stand in URLs, in file names and in labels of
// metrics, and so hold nothing that would have to be escaped in one of them.
const NamePattern = `^[a-z0-9]([a-z0-9_.-]{0,61}[a-z0-9])?$`

var nameRegexp = regexp.MustCompile(NamePattern)

// ValidateName reports what is wrong with the name of an object. Its pointer is /name.
func ValidateName(name string) FieldErrors {
	if nameRegexp.MatchString(name) {
		return nil
	}
	return FieldErrors{{Pointer: "/name", Detail: fmt.Sprintf(
		"%q is not a name: use 1 to 63 of a-z, 0-9, '_', '.' and '-', beginning and ending with a letter or digit", name)}}
}

// ServerKey identifies a real server: its virtual server's name, its own address and port.
type ServerKey struct {
	VirtualServer string
	Address       netip.AddrPort
}

// String returns the key as an import id: web/192.0.2.21:80, web/[2001:db8::1]:80.
func (k ServerKey) String() string { return k.VirtualServer + "/" + k.Address.String() }

// ParseServerAddress reads the address:port of a real server as it stands in a URL or an import id.
// Only the canonical form is taken, so that one server has one name.
func ParseServerAddress(s string) (netip.AddrPort, error) {
	address, err := netip.ParseAddrPort(s)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q is not address:port: write 192.0.2.21:80 or [2001:db8::1]:80", s)
	}
	if address.Addr().Zone() != "" || address.Addr().Is4In6() {
		return netip.AddrPort{}, fmt.Errorf("%q: an address with a zone, or IPv4 inside IPv6, cannot be a real server", s)
	}
	if canonical := address.String(); canonical != s {
		return netip.AddrPort{}, fmt.Errorf("%q is not in canonical form: write %s", s, canonical)
	}
	return address, nil
}

// ParseServerKey reads an import id of a real server: web/192.0.2.21:80.
func ParseServerKey(id string) (ServerKey, error) {
	service, server, found := strings.Cut(id, "/")
	if !found {
		return ServerKey{}, fmt.Errorf("%q does not name a real server: write VIRTUAL_SERVER/ADDRESS:PORT, for example web/192.0.2.21:80", id)
	}
	if errs := ValidateName(service); errs != nil {
		return ServerKey{}, errs
	}
	address, err := ParseServerAddress(server)
	if err != nil {
		return ServerKey{}, err
	}
	return ServerKey{VirtualServer: service, Address: address}, nil
}

// unicast reports why an address cannot belong to one machine, or "".
func unicast(a netip.Addr) string {
	switch {
	case !a.IsValid():
		return "an address is needed"
	case a.Zone() != "":
		return fmt.Sprintf("%s has a zone: leave %%%s out", a, a.Zone())
	case a.Is4In6():
		return fmt.Sprintf("%s is IPv4 inside IPv6: write %s", a, a.Unmap())
	case a.IsUnspecified(), a.IsMulticast(), a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return fmt.Sprintf("%s is not the address of one machine: use a unicast address", a)
	}
	return ""
}
