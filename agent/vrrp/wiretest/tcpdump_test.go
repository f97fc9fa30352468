package wiretest

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lvs-director/terraform-provider-lvs/agent/vrrp"
)

// tcpdump, which has nothing in common with this code, reads adverts as what they were meant to be, and its only
// complaint is a checksum of which it knows the older way alone. Its complaints are worth something: it has them
// about the same adverts with a bit flipped.
func TestTcpdump_33_ReadsWhatWasMeant(t *testing.T) {
	t.Parallel()
	four := []netip.Addr{netip.MustParseAddr("192.0.2.100"), netip.MustParseAddr("192.0.2.7")}
	six := []netip.Addr{netip.MustParseAddr("fe80::51"), netip.MustParseAddr("2001:db8::100")}
	password := vrrp.Authentication{Type: vrrp.AuthenticationPassword, Data: [8]byte([]byte("s3cret\x00\x00"))}
	const (
		head4 = "192.0.2.11 > 224.0.0.18: "
		head6 = "fe80::b > ff02::12: "
	)
	for name, test := range map[string]struct {
		packet   vrrp.Packet
		checksum vrrp.Checksum
		want     string
		// lenient: the checksum is RFC 9568's of IPv4, which tcpdump 4.99 takes for a wrong one.
		lenient bool
	}{
		"version 2": {
			vrrp.Packet{Version: 2, VirtualRouterID: 51, Priority: 150, Interval: time.Second, Addresses: four}, vrrp.ChecksumMessage,
			head4 + "VRRPv2, Advertisement, vrid 51, prio 150, authtype none, intvl 1s, length 24, addrs(2): 192.0.2.100,192.0.2.7", false,
		},
		"version 2 with a password": {
			vrrp.Packet{Version: 2, VirtualRouterID: 51, Priority: 150, Interval: 255 * time.Second, Addresses: four, Authentication: password}, vrrp.ChecksumMessage,
			head4 + `VRRPv2, Advertisement, vrid 51, prio 150, authtype simple, intvl 255s, length 24, addrs(2): 192.0.2.100,192.0.2.7 auth "s3cret"`, false,
		},
		"version 2, stops": {
			vrrp.Packet{Version: 2, VirtualRouterID: 51, Interval: time.Second, Addresses: four[:1]}, vrrp.ChecksumMessage,
			head4 + "VRRPv2, Advertisement, vrid 51, prio 0, authtype none, intvl 1s, length 20, addrs: 192.0.2.100", false,
		},
		"version 3, IPv4, RFC 5798": {
			vrrp.Packet{Version: 3, VirtualRouterID: 51, Priority: 150, Interval: time.Second, Addresses: four}, vrrp.ChecksumPseudoHeader,
			head4 + "VRRPv3, Advertisement, vrid 51, prio 150, intvl 100cs, length 16, addrs(2): 192.0.2.100,192.0.2.7", false,
		},
		"version 3, IPv4, RFC 9568": {
			vrrp.Packet{Version: 3, VirtualRouterID: 51, Priority: 150, Interval: time.Second, Addresses: four}, vrrp.ChecksumMessage,
			head4 + "VRRPv3, Advertisement, vrid 51, prio 150, intvl 100cs, length 16, addrs(2): 192.0.2.100,192.0.2.7", true,
		},
		"version 3, IPv4, the limits": {
			vrrp.Packet{Version: 3, VirtualRouterID: 255, Priority: 255, Interval: 40950 * time.Millisecond, Addresses: four[:1]}, vrrp.ChecksumPseudoHeader,
			head4 + "VRRPv3, Advertisement, vrid 255, prio 255, intvl 4095cs, length 12, addrs: 192.0.2.100", false,
		},
		"version 3, IPv6": {
			vrrp.Packet{Version: 3, VirtualRouterID: 51, Priority: 150, Interval: 10 * time.Millisecond, Addresses: six}, vrrp.ChecksumMessage,
			head6 + "VRRPv3, Advertisement, vrid 51, prio 150, intvl 1cs, length 40, addrs(2): fe80::51,2001:db8::100", false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, destination := netip.MustParseAddr("192.0.2.11"), netip.MustParseAddr("224.0.0.18")
			if test.packet.Addresses[0].Is6() {
				source, destination = netip.MustParseAddr("fe80::b"), netip.MustParseAddr("ff02::12")
			}
			message := test.packet.AppendTo(nil, source, destination, test.checksum)
			got := tcpdump(t, source, inIP(source, destination, message))
			if test.lenient {
				got = withoutComplaint(got)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}

			message[7] ^= 1
			if got := tcpdump(t, source, inIP(source, destination, message)); !strings.Contains(got, badChecksum) {
				t.Errorf("it takes a wrong checksum: %s", got)
			}
			message[7] ^= 1
			if got := tcpdump(t, source, inIP(source, destination, message[:10])); !strings.Contains(got, "[|vrrp]") {
				t.Errorf("it takes one that ends in an address: %s", got)
			}
		})
	}
}

const badChecksum = "(bad vrrp cksum "

// withoutComplaint cuts tcpdump's remark about a checksum out of a line.
func withoutComplaint(line string) string {
	before, rest, found := strings.Cut(line, badChecksum)
	if _, after, closed := strings.Cut(rest, "), "); found && closed {
		return before + after
	}
	return line
}

// inIP makes a datagram of VRRP with a hop limit of 255.
func inIP(source, destination netip.Addr, message []byte) []byte {
	if source.Is6() {
		b := binary.BigEndian.AppendUint16([]byte{0x60, 0, 0, 0}, uint16(len(message)))
		b = append(b, vrrp.Protocol, 255)
		return bytes.Join([][]byte{b, source.AsSlice(), destination.AsSlice(), message}, nil)
	}
	b := binary.BigEndian.AppendUint16([]byte{0x45, 0}, uint16(20+len(message)))
	b = append(b, 0, 0, 0, 0, 255, vrrp.Protocol, 0, 0)
	b = bytes.Join([][]byte{b, source.AsSlice(), destination.AsSlice()}, nil)
	var sum uint32
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	binary.BigEndian.PutUint16(b[10:], ^uint16(sum+sum>>16))
	return append(b, message...)
}

// tcpdump returns what tcpdump says about a datagram, less the IP header.
func tcpdump(t *testing.T, source netip.Addr, datagram []byte) string {
	t.Helper()
	// The header of the file (pcap-savefile(5)): magic number, version 2.4, link type 101, bare IP datagrams.
	file := []byte{0xa1, 0xb2, 0xc3, 0xd4, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 101}
	file = append(file, make([]byte, 8)...) // no time
	file = binary.BigEndian.AppendUint32(file, uint32(len(datagram)))
	file = binary.BigEndian.AppendUint32(file, uint32(len(datagram)))
	file = append(file, datagram...)
	cmd := exec.CommandContext(t.Context(), "tcpdump", "-n", "-t", "-vvv", "-r", "-")
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(file), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tcpdump: %v: %s", err, stderr.Bytes())
	}
	_, said, _ := strings.Cut(strings.TrimSpace(string(out)), source.String()+" > ")
	return source.String() + " > " + said
}
