package ipvs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"strings"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// How generic netlink writes messages and attributes: all in the machine's own byte order, save what
// says otherwise, and each padded to four bytes (linux/netlink.h).

const (
	alignment       = 4
	attributeHeader = 4
	// headerLength is that of the generic netlink header before the attributes.
	headerLength = nl.SizeofGenlmsg
)

var errShort = errors.New("the message is cut short")

// request is messages, one behind the other, as one send takes them.
type request struct {
	bytes []byte
	// first is the sequence number of the first message; the others count on from it.
	first uint32
	count int
	// last is where the last message begins.
	last int
	// reads says that the kernel has next to nothing to do before it answers.
	reads bool
}

// add appends a message with the attributes that are added to it by the function.
func (r *request) add(family, flags uint16, command, version uint8, attributes func(*encoder)) {
	r.last = len(r.bytes)
	e := encoder(r.bytes)
	e = binary.NativeEndian.AppendUint32(e, 0)
	e = binary.NativeEndian.AppendUint16(e, family)
	e = binary.NativeEndian.AppendUint16(e, unix.NLM_F_REQUEST|flags)
	e = binary.NativeEndian.AppendUint32(e, r.first+uint32(r.count))
	e = binary.NativeEndian.AppendUint32(e, 0) // to the kernel, which knows from whom
	e = append(e, command, version, 0, 0)
	if attributes != nil {
		attributes(&e)
	}
	binary.NativeEndian.PutUint32(e[r.last:], uint32(len(e)-r.last))
	r.bytes = e
	r.count++
}

// acknowledged asks for an acknowledgement of the last message. An error is answered for each.
func (r *request) acknowledged() {
	flags := r.bytes[r.last+6:]
	binary.NativeEndian.PutUint16(flags, binary.NativeEndian.Uint16(flags)|unix.NLM_F_ACK)
}

// encoder appends attributes.
type encoder []byte

func (e *encoder) bytes(kind uint16, value ...byte) {
	*e = binary.NativeEndian.AppendUint16(*e, uint16(attributeHeader+len(value)))
	*e = binary.NativeEndian.AppendUint16(*e, kind)
	*e = append(*e, value...)
	e.pad()
}

func (e *encoder) pad() {
	for len(*e)%alignment != 0 {
		*e = append(*e, 0)
	}
}

func (e *encoder) uint8(kind uint16, v uint8) { e.bytes(kind, v) }

func (e *encoder) uint16(kind, v uint16) {
	var raw [2]byte
	binary.NativeEndian.PutUint16(raw[:], v)
	e.bytes(kind, raw[:]...)
}

func (e *encoder) uint32(kind uint16, v uint32) {
	var raw [4]byte
	binary.NativeEndian.PutUint32(raw[:], v)
	e.bytes(kind, raw[:]...)
}

// port writes a port, in network order.
func (e *encoder) port(kind, v uint16) { e.bytes(kind, byte(v>>8), byte(v)) }

// text writes a string with the zero behind it.
func (e *encoder) text(kind uint16, s string) { e.bytes(kind, append([]byte(s), 0)...) }

func (e *encoder) address(kind uint16, a netip.Addr) {
	if a.Is4() {
		raw := a.As4()
		e.bytes(kind, raw[:]...)
		return
	}
	raw := a.As16()
	e.bytes(kind, raw[:]...)
}

// nested writes an attribute that holds those which inside adds.
func (e *encoder) nested(kind uint16, inside func()) {
	start := len(*e)
	e.bytes(kind)
	inside()
	binary.NativeEndian.PutUint16((*e)[start:], uint16(len(*e)-start))
}

// inside returns the content of the first attribute of that type behind the generic netlink header.
func inside(message []byte, kind uint16) ([]byte, error) {
	if len(message) < headerLength {
		return nil, errShort
	}
	for k, value := range attributes(message[headerLength:]) {
		if k == kind {
			return value, nil
		}
	}
	return nil, fmt.Errorf("attribute %d is missing", kind)
}

// attributes goes through the attributes in b by type. It ends at the first that does not fit.
func attributes(b []byte) iter.Seq2[uint16, []byte] {
	const typeMask = 0x3fff // NLA_TYPE_MASK
	return func(yield func(uint16, []byte) bool) {
		for len(b) >= attributeHeader {
			length := int(binary.NativeEndian.Uint16(b))
			if length < attributeHeader || length > len(b) {
				return
			}
			if !yield(binary.NativeEndian.Uint16(b[2:])&typeMask, b[attributeHeader:length]) {
				return
			}
			b = b[min((length+alignment-1)&^(alignment-1), len(b)):]
		}
	}
}

// reader reads values by attribute type. What is absent reads as zero, what is too short is an error.
type reader struct {
	values [16][]byte // more than any kind that is read here
	zeros  [16]byte   // as many as any value that is read here has
	err    error
}

func newReader(b []byte) (r reader) {
	for kind, value := range attributes(b) {
		if int(kind) < len(r.values) {
			r.values[kind] = value
		}
	}
	return r
}

// has reports whether the attribute is there.
func (r *reader) has(kind uint16) bool { return r.values[kind] != nil }

// bytes returns n bytes of an attribute, zeros if it is absent or too short.
func (r *reader) bytes(kind uint16, n int) []byte {
	value := r.values[kind]
	if len(value) >= n {
		return value[:n]
	}
	if value != nil && r.err == nil {
		r.err = fmt.Errorf("attribute %d has %d bytes, want %d", kind, len(value), n)
	}
	return r.zeros[:n]
}

func (r *reader) uint8(kind uint16) uint8   { return r.bytes(kind, 1)[0] }
func (r *reader) uint16(kind uint16) uint16 { return binary.NativeEndian.Uint16(r.bytes(kind, 2)) }
func (r *reader) uint32(kind uint16) uint32 { return binary.NativeEndian.Uint32(r.bytes(kind, 4)) }
func (r *reader) uint64(kind uint16) uint64 { return binary.NativeEndian.Uint64(r.bytes(kind, 8)) }
func (r *reader) port(kind uint16) uint16   { return binary.BigEndian.Uint16(r.bytes(kind, 2)) }

func (r *reader) text(kind uint16) string {
	s, _, _ := strings.Cut(string(r.values[kind]), "\x00")
	return s
}

// address reads an address. The kernel always sends the 16 bytes of its union nf_inet_addr.
func (r *reader) address(kind uint16, f Family) netip.Addr {
	n := 16
	if f == IPv4 {
		n = 4
	} else if f != IPv6 && r.err == nil {
		r.err = fmt.Errorf("address family %d is not known", f)
	}
	a, _ := netip.AddrFromSlice(r.bytes(kind, n))
	return a
}

// within returns a reader of the attributes inside an attribute.
func (r *reader) within(kind uint16) reader { return newReader(r.values[kind]) }
