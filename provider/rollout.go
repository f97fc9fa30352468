package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/lvs-director/terraform-provider-lvs/internal/client"
	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// election is what a kind of object needs of which one director at a time is active.
type election[Spec, State any] struct {
	// deafens reports whether directors that have made a change would not hear those that have not.
	deafens func(before, after map[string]Spec) bool
	// active reports whether the director is the active one.
	active func(State) bool
	// lasts is how long it takes at most until a director that could be active is.
	lasts func(Spec) time.Duration
}

const (
	// holdMargin is for the directors to do what they are asked for, beside what an election takes.
	holdMargin = 30 * time.Second
	// electionMargin is for an election on machines that have other things to do.
	electionMargin = 5 * time.Second
	// electionPoll is how often a director is asked whether it is active.
	electionPoll = 200 * time.Millisecond
)

// rollout takes a change to the directors that have the object, and the object off those that have it no
// more. Who was not asked, because another one failed before, has no outcome.
func (r *clusterResource[Spec, State, M]) rollout(ctx context.Context, diags *diag.Diagnostics, m M, willing, former []*director) (written outcomes[Spec], removed outcomes[struct{}]) {
	order := r.kind.turns(ctx, m.key(), willing)
	if e := r.kind.election; e != nil && len(willing)+len(former) > 1 {
		before, after := r.bothSides(ctx, m, willing, former)
		if e.deafens(before, after) {
			return r.rolloutInSilence(context.WithoutCancel(ctx), diags, m, order, former)
		}
	}
	written = inTurn(ctx, order, r.put(m, r.kind.takeOver))
	if len(written.errs()) == 0 {
		removed = each(ctx, former, r.takeAway(m))
	}
	return written, removed
}

// rolloutInSilence makes a change that leaves the active director and its backups without a word from one
// another until both have made it. The backups, which would miss the active one and become active beside it,
// are changed first and held back until the active one is changed and active again. It goes on when the user
// interrupts it: half of it is worse than either end. Should it die, the directors end the hold.
func (r *clusterResource[Spec, State, M]) rolloutInSilence(ctx context.Context, diags *diag.Diagnostics, m M, order turns, former []*director) (written outcomes[Spec], removed outcomes[struct{}]) {
	backups, last := slices.Concat(order[:len(order)-1]...), order[len(order)-1]
	lasts := r.kind.election.lasts(m.spec(last[0].name))
	hold := 2*lasts + holdMargin
	active := r.kind.carrying(ctx, m.key(), last)
	written = each(ctx, backups, r.put(m, client.PutOptions{Hold: hold}))
	held := slices.Sorted(maps.Keys(written.values()))
	if len(written.errs()) == 0 {
		removed = each(ctx, former, r.takeAway(m))
	}
	if len(written.errs())+len(removed.errs()) == 0 {
		maps.Copy(written, each(ctx, last, r.put(m, client.PutOptions{})))
	}
	if len(written.errs())+len(removed.errs()) > 0 {
		if len(held) > 0 {
			diags.AddWarning("Backups Are Held Back", fmt.Sprintf("%s: the change is made there, but not on the active director, whose adverts are no longer heard there. "+
				"Apply again within %s: until then they take no role, and after that they become active beside it.", list(held), hold.Round(time.Second)))
		}
		return written, removed
	}
	r.awaitActive(ctx, m.key(), slices.DeleteFunc(slices.Clone(last), func(d *director) bool { return !active[d.name] }), lasts+electionMargin)
	maps.Copy(written, each(ctx, backups, r.put(m, client.PutOptions{})))
	return written, removed
}

// unheard warns of directors that were left out of a change, and will not hear those that have made it.
func (r *clusterResource[Spec, State, M]) unheard(diags *diag.Diagnostics, m, prior M, willing []*director, skipped []string) {
	if r.kind.election == nil {
		return
	}
	before, after := map[string]Spec{}, map[string]Spec{}
	for _, name := range skipped {
		before[name] = prior.spec(name)
	}
	for _, d := range willing {
		after[d.name] = m.spec(d.name)
	}
	if r.kind.election.deafens(before, after) {
		diags.AddWarning("Two Directors May Be Active", fmt.Sprintf("%s was left out, and no longer hears the others, nor they it. If it is alive, it is active beside them until it has the change, too.", list(skipped)))
	}
}

// awaitActive waits until directors that were active are so again. When it takes longer than it may,
// something else is wrong, and the others had better take part.
func (r *clusterResource[Spec, State, M]) awaitActive(ctx context.Context, key string, directors []*director, atMost time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	each(ctx, directors, func(ctx context.Context, d *director) (struct{}, error) {
		for {
			object, err := r.kind.collection(d.client).Get(ctx, key)
			if err != nil || r.kind.election.active(object.Status) {
				return struct{}{}, err
			}
			select {
			case <-ctx.Done():
				return struct{}{}, ctx.Err()
			case <-time.After(electionPoll):
			}
		}
	})
}

// bothSides returns what the directors have now, as far as they have it, and what they are to have.
func (r *clusterResource[Spec, State, M]) bothSides(ctx context.Context, m M, willing, former []*director) (before, after map[string]Spec) {
	before, after = map[string]Spec{}, map[string]Spec{}
	seen := each(ctx, slices.Concat(willing, former), func(ctx context.Context, d *director) (observation[Spec], error) {
		return r.kind.look(ctx, d, m.key())
	})
	for name, o := range seen.values() {
		if o.exists {
			before[name] = o.spec
		}
	}
	for _, d := range willing {
		after[d.name] = m.spec(d.name)
	}
	return before, after
}

func (r *clusterResource[Spec, State, M]) put(m M, o client.PutOptions) func(context.Context, *director) (Spec, error) {
	return func(ctx context.Context, d *director) (Spec, error) {
		return r.kind.put(ctx, d, m.key(), m.spec(d.name), o)
	}
}

func (r *clusterResource[Spec, State, M]) takeAway(m M) func(context.Context, *director) (struct{}, error) {
	return func(ctx context.Context, d *director) (struct{}, error) {
		return struct{}{}, r.kind.remove(ctx, d, m.key(), client.DeleteOptions{Cascade: true})
	}
}

// routerElection is that of VRRP.
func routerElection() *election[spec.VRRPInstance, spec.VRRPInstanceStatus] {
	return &election[spec.VRRPInstance, spec.VRRPInstanceStatus]{
		deafens: deafens,
		active:  func(s spec.VRRPInstanceStatus) bool { return s.State == spec.InstanceActive },
		lasts: func(v spec.VRRPInstance) time.Duration {
			const slowest = 1
			return spec.ActiveDownInterval(v.Version, slowest, v.AdvertisementInterval.Std())
		},
	}
}

// deafens reports whether there are two directors of which one, as it will be, and the other, as it is, do
// not hear one another. An instance that moves to another interface leaves its network.
func deafens(before, after map[string]spec.VRRPInstance) bool {
	for name, is := range before {
		for other, willBe := range after {
			switch {
			case name != other && (!is.Hears(&willBe) || !willBe.Hears(&is)),
				name == other && is.Interface != willBe.Interface:
				return true
			}
		}
	}
	return false
}
