package check

// counter turns results into a verdict. The first pass decides at once, so that a director that starts knows
// its servers after one round; from then on a change of mind takes rise passes or fall failures in a row.
// A first failure is a suspicion until fall have come in a row: one lost packet must not take out a server
// that was in before this director, or the agent, began. Only a hasty counter decides by it at once.
type counter struct {
	rise, fall int  // in a row; 1 or less: one result is enough
	hasty      bool // the first result decides, also when it is a failure
	verdict    Verdict
	settled    bool // results of this definition of the check have decided
	against    int  // results in a row that contradict the verdict
}

// redefined returns the counter of a target whose check is defined anew: the verdict holds until the new
// check's results decide.
func (c counter) redefined(rise, fall int, hasty bool) counter {
	return counter{rise: rise, fall: fall, hasty: hasty, verdict: c.verdict}
}

// after returns the counter after one more result, which is Passing or Failing.
func (c counter) after(result Verdict) counter {
	if !c.settled && (result == Passing || c.hasty) {
		return c.decided(result)
	}
	if result == c.verdict {
		c.settled, c.against = true, 0
		return c
	}
	c.against++
	needed := c.rise
	if result == Failing {
		needed = c.fall
	}
	switch {
	case c.against >= needed:
		return c.decided(result)
	case c.verdict == Unknown:
		c.verdict = Suspect
	}
	return c
}

func (c counter) decided(verdict Verdict) counter {
	c.settled, c.verdict, c.against = true, verdict, 0
	return c
}
