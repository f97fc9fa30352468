package store

import (
	"encoding/binary"
	"fmt"
)

// The layout of bbolt's pages, in the machine's own byte order: a header of 16 bytes (id, flags, count, overflow), then
// elements of 16 bytes each, then keys and values, which elements point at from where they are themselves.
const (
	pageHeader  = 16
	pageElement = 16
	pageBranch  = 0x01
	pageLeaf    = 0x02
	leafBucket  = 0x01 // flag of an element: its value is the head of a bucket
	bucketHead  = 16   // number of its page, 0 when the page follows; sequence
)

// pages are the bytes of a bbolt file. bbolt itself trusts them: a tree that leads back into itself, or a key longer
// than its page, would have it run for ever, or out of the file.
type pages struct {
	data []byte
	size int
	seen map[uint64]bool
}

// walk goes through the tree below a page and reports the first thing that bbolt could not bear. It panics where
// it is led out of a slice; guard makes an error of that.
func (p *pages) walk(id uint64) error {
	if p.seen[id] {
		return fmt.Errorf("page %d is in two places", id)
	}
	p.seen[id] = true
	page, err := p.page(id)
	if err != nil {
		return err
	}
	return p.walkPage(page)
}

// page returns a page, with those that it goes on over.
func (p *pages) page(id uint64) ([]byte, error) {
	page := p.data[int(id)*p.size:]
	if got := binary.NativeEndian.Uint64(page); got != id {
		return nil, fmt.Errorf("page %d says that it is page %d", id, got)
	}
	overflow := int(binary.NativeEndian.Uint32(page[12:]))
	return page[:(1+overflow)*p.size], nil
}

func (p *pages) walkPage(page []byte) error {
	flags, count := binary.NativeEndian.Uint16(page[8:]), int(binary.NativeEndian.Uint16(page[10:]))
	for n := range count {
		at := page[pageHeader+n*pageElement:]
		word := func(n int) uint32 { return binary.NativeEndian.Uint32(at[4*n:]) }
		switch flags {
		case pageBranch:
			_ = at[word(0):][:word(1)]
			if err := p.walk(binary.NativeEndian.Uint64(at[8:])); err != nil {
				return err
			}
		case pageLeaf:
			value := at[word(1):][word(2):][:word(3)]
			if word(0)&leafBucket == 0 {
				continue
			}
			if err := p.walkBucket(value); err != nil {
				return err
			}
		}
	}
	if flags != pageBranch && flags != pageLeaf {
		return fmt.Errorf("a page is of no known kind: %#x", flags)
	}
	return nil
}

func (p *pages) walkBucket(head []byte) error {
	if root := binary.NativeEndian.Uint64(head); root != 0 {
		return p.walk(root)
	}
	return p.walkPage(head[bucketHead:])
}
