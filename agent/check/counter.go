package check

// counter turns results into a verdict. The first result decides at once, so that a director that
// starts knows its servers after one round; from then on a change of mind takes rise passes or fall
// failures in a row.
type counter struct {
	rise, fall int // in a row; 1 or less: one result is enough
	verdict    Verdict
	settled    bool // a result of this definition of the check was counted
	against    int  // results in a row that contradict the verdict
}

// redefined returns the counter of a target whose check is defined anew: the verdict holds until the
// new check's first result, which decides at once.
func (c counter) redefined(rise, fall int) counter {
	return counter{rise: rise, fall: fall, verdict: c.verdict}
}

// after returns the counter after one more result, which is Passing or Failing.
func (c counter) after(result Verdict) counter {
	if !c.settled {
		c.settled, c.verdict, c.against = true, result, 0
		return c
	}
	if result == c.verdict {
		c.against = 0
		return c
	}
	c.against++
	needed := c.rise
	if result == Failing {
		needed = c.fall
	}
	if c.against >= needed {
		c.verdict, c.against = result, 0
	}
	return c
}
