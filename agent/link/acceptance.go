package link

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// acceptance keeps packets to some addresses from the machine, in an nftables table of ours. They have to be
// on it all the same, or it could not answer ARP and neighbour solicitations for them.
//
// Packets that the machine sends to itself are let through, and so are neighbour solicitations and
// advertisements (RFC 9568 §6.1).
type acceptance struct {
	// connect opens nftables when they are first needed: not every kernel has them.
	connect func() (*nftables.Conn, error)

	mu   sync.Mutex
	conn *nftables.Conn
	// none: there is no table of ours.
	none bool
}

const (
	refusalTable = "lvs-agent"
	refusalChain = "refused"
)

// refusal is what the kernel knows of one family.
type refusal struct {
	set    string
	family byte // NFPROTO_IPV4 or NFPROTO_IPV6
	kind   nftables.SetDatatype
	// offset and length of the destination in the IP header.
	offset, length uint32
}

func refusals() map[spec.Family]refusal {
	return map[spec.Family]refusal{
		spec.IPv4: {"refused4", unix.NFPROTO_IPV4, nftables.TypeIPAddr, 16, 4},
		spec.IPv6: {"refused6", unix.NFPROTO_IPV6, nftables.TypeIP6Addr, 24, 16},
	}
}

// Refuse drops packets to these addresses, and to no others any more. Refusing again writes nothing, and puts
// back what somebody has removed.
func (k *Kernel) Refuse(addresses []netip.Addr) error {
	a := k.acceptance
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(addresses) == 0 && a.none {
		return nil
	}
	there, err := a.find()
	if err != nil && len(addresses) == 0 {
		return nil // a kernel without nftables refuses nothing
	}
	if err == nil {
		err = a.refuse(addresses, there)
	}
	if err != nil {
		return fmt.Errorf("refuse packets to addresses with accept_mode = false, by nftables: %w", err)
	}
	a.none = len(addresses) == 0
	return nil
}

// find reports whether a table of ours is there.
func (a *acceptance) find() (there bool, err error) {
	if a.conn == nil {
		if a.conn, err = a.connect(); err != nil {
			return false, err
		}
	}
	tables, err := a.conn.ListTablesOfFamily(nftables.TableFamilyINet)
	return slices.ContainsFunc(tables, func(t *nftables.Table) bool { return t.Name == refusalTable }), err
}

// refuse makes the table that drops packets to these addresses, in place of the one that is there.
func (a *acceptance) refuse(addresses []netip.Addr, there bool) error {
	table := &nftables.Table{Name: refusalTable, Family: nftables.TableFamilyINet}
	if there {
		if len(addresses) > 0 && slices.Equal(a.refused(table), sortedAddrs(addresses)) {
			return nil
		}
		a.conn.DelTable(table)
	}
	if len(addresses) > 0 {
		if err := a.make(table, addresses); err != nil {
			return err
		}
	}
	return a.conn.Flush() // all at once
}

// refused returns the addresses that are refused, or nil if it is not as we made it.
func (a *acceptance) refused(table *nftables.Table) (all []netip.Addr) {
	rules, err := a.conn.GetRules(table, &nftables.Chain{Name: refusalChain, Table: table})
	if err != nil || len(rules) != len(refusalRules()) {
		return nil
	}
	for _, r := range refusals() {
		elements, err := a.conn.GetSetElements(&nftables.Set{Table: table, Name: r.set})
		if err != nil {
			return nil
		}
		for _, e := range elements {
			if ip, ok := netip.AddrFromSlice(e.Key); ok {
				all = append(all, ip)
			}
		}
	}
	return sortedAddrs(all)
}

func (a *acceptance) make(table *nftables.Table, addresses []netip.Addr) error {
	a.conn.AddTable(table)
	for family, r := range refusals() {
		var elements []nftables.SetElement
		for _, ip := range addresses {
			if spec.FamilyOf(ip) == family {
				elements = append(elements, nftables.SetElement{Key: ip.AsSlice()})
			}
		}
		if err := a.conn.AddSet(&nftables.Set{Table: table, Name: r.set, KeyType: r.kind}, elements); err != nil {
			return err
		}
	}
	chain := a.conn.AddChain(&nftables.Chain{Name: refusalChain, Table: table, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookInput, Priority: nftables.ChainPriorityFilter})
	for _, exprs := range refusalRules() {
		a.conn.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: exprs})
	}
	return nil
}

// refusalRules are, as nft writes them:
//
//	iifname "lo" accept
//	meta nfproto ipv6 icmpv6 type 135-136 accept
//	ip daddr @refused4 drop
//	ip6 daddr @refused6 drop
func refusalRules() [][]expr.Any {
	lo := make([]byte, unix.IFNAMSIZ)
	copy(lo, "lo")
	const solicitation, advertisement = 135, 136
	rules := [][]expr.Any{
		append(equals(expr.MetaKeyIIFNAME, lo), &expr.Verdict{Kind: expr.VerdictAccept}),
		slices.Concat(
			equals(expr.MetaKeyNFPROTO, []byte{unix.NFPROTO_IPV6}), equals(expr.MetaKeyL4PROTO, []byte{unix.IPPROTO_ICMPV6}),
			[]expr.Any{
				&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 0, Len: 1},
				&expr.Range{Op: expr.CmpOpEq, Register: 1, FromData: []byte{solicitation}, ToData: []byte{advertisement}},
				&expr.Verdict{Kind: expr.VerdictAccept},
			}),
	}
	all := refusals()
	for _, r := range []refusal{all[spec.IPv4], all[spec.IPv6]} {
		rules = append(rules, append(equals(expr.MetaKeyNFPROTO, []byte{r.family}),
			&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: r.offset, Len: r.length},
			&expr.Lookup{SourceRegister: 1, SetName: r.set},
			&expr.Verdict{Kind: expr.VerdictDrop}))
	}
	return rules
}

func equals(key expr.MetaKey, value []byte) []expr.Any {
	return []expr.Any{&expr.Meta{Key: key, Register: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: bytes.Clone(value)}}
}

func sortedAddrs(list []netip.Addr) []netip.Addr {
	return slices.SortedFunc(slices.Values(list), netip.Addr.Compare)
}

func (a *acceptance) close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.conn == nil {
		return nil
	}
	return a.conn.CloseLasting()
}
