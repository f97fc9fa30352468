package store

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
)

// The layout of bbolt's two heads, behind the header of their pages: magic, version, size of a page, flags, of 4 bytes
// each; then, of 8 bytes each, the root and its sequence, the page with the list of free ones, the number of pages,
// the transaction, and the FNV-1a of all that.
const (
	headMagic    = 0xED0CDAED
	headVersion  = 2
	headSummed   = 56
	pageFreelist = 0x10
	// longFreelist as the count of a list says that its first element is.
	longFreelist = 0xFFFF
)

// head is one of the first two pages. bbolt writes them in turns, and goes by the later one of those that are whole.
type head struct {
	freelist, pages, transaction uint64
}

// heads returns those that are whole.
func (p *pages) heads() []head {
	var whole []head
	for n := range 2 {
		text := p.data[n*p.size+pageHeader:]
		word := func(at int) uint64 { return binary.NativeEndian.Uint64(text[at:]) }
		hash := fnv.New64a()
		hash.Write(text[:headSummed])
		if binary.NativeEndian.Uint32(text) == headMagic && binary.NativeEndian.Uint32(text[4:]) == headVersion && word(headSummed) == hash.Sum64() {
			whole = append(whole, head{freelist: word(32), pages: word(40), transaction: word(48)})
		}
	}
	return whole
}

// checkFreelist reports what bbolt could not bear of the list of free pages, which no tree leads to: it takes each page
// that the list's own pretends to go on over, and would write to whatever page the list has.
func (p *pages) checkFreelist(h head) error {
	page, err := p.page(h.freelist)
	if err != nil {
		return err
	}
	if flags := binary.NativeEndian.Uint16(page[8:]); flags != pageFreelist {
		return fmt.Errorf("the list of free pages is of no known kind: %#x", flags)
	}
	count, ids := uint64(binary.NativeEndian.Uint16(page[10:])), page[pageHeader:]
	if count == longFreelist {
		count, ids = binary.NativeEndian.Uint64(ids), ids[8:]
	}
	if count > uint64(len(ids)/8) {
		return fmt.Errorf("the list of free pages has no room for the %d that it says it has", count)
	}
	for last := uint64(1); count > 0; count-- { // the heads are 0 and 1
		id := binary.NativeEndian.Uint64(ids)
		if id <= last || id >= h.pages {
			return fmt.Errorf("the list of free pages has page %d behind page %d, of %d pages", id, last, h.pages)
		}
		last, ids = id, ids[8:]
	}
	return nil
}
