package vrrp

// Tracker is something that an instance watches, and what it means for the priority.
type Tracker struct {
	// Weight moves the priority: above 0 up while the thing passes, below 0 down while it fails. 0 means
	// that the instance is in fault while it fails.
	Weight int
	// Inverse turns the sign round, of a weight of 0 the verdict.
	Inverse bool
	// Known: there is a verdict. Without one a weight counts nothing, and a weight of 0 is a fault.
	Known   bool
	Passing bool
	// Reason says in words for the user how the thing is.
	Reason string
}

// failed: the instance may not take part.
func (t Tracker) failed() bool { return t.Weight == 0 && (!t.Known || t.Passing == t.Inverse) }

func (t Tracker) contribution() int {
	if !t.Known {
		return 0
	}
	moved := min(t.Weight, 0)
	if t.Passing {
		moved = max(t.Weight, 0)
	}
	if t.Inverse {
		return -moved
	}
	return moved
}

// EffectivePriority is the base priority moved by what is tracked, within 1 and 254. The priority 255 of
// an address owner never changes, and no other gets there (RFC 9568 §5.2.4).
func EffectivePriority(base int, trackers []Tracker) uint8 {
	if base == priorityOwner {
		return priorityOwner
	}
	for _, t := range trackers {
		base += t.contribution()
	}
	return uint8(min(max(base, 1), priorityOwner-1))
}
