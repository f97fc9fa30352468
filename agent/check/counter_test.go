package check

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// results counts a row of results, "+" a pass and "-" a failure, and returns the verdict after each of
// them in the same writing.
func results(c counter, row string) string {
	var verdicts strings.Builder
	for _, r := range row {
		result := Passing
		if r == '-' {
			result = Failing
		}
		c = c.after(result)
		switch c.verdict {
		case Passing:
			verdicts.WriteByte('+')
		case Suspect:
			verdicts.WriteByte('?')
		default:
			verdicts.WriteByte('-')
		}
	}
	return verdicts.String()
}

func TestCounter(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rise, fall int
		row, want  string
	}{
		"the first pass decides at once":               {5, 5, "+", "+"},
		"the first failures are a suspicion":           {5, 3, "---", "??-"},
		"and a pass after them decides at once":        {5, 3, "--+-", "??++"},
		"one failure is enough where that is asked":    {5, 1, "-", "-"},
		"fall failures in a row take it out":           {1, 3, "+---", "+++-"},
		"a pass in between begins the count again":     {1, 3, "+--+--+---", "+++++++++-"},
		"rise passes in a row bring it back":           {3, 1, "-+++", "---+"},
		"a failure in between begins the count again":  {3, 1, "-++-+++", "------+"},
		"one is at once":                               {1, 1, "+-+-", "+-+-"},
		"the count begins again after a change":        {2, 2, "+--++--", "++--++-"},
		"a count that nobody set is one":               {0, 0, "+-+", "+-+"},
		"more failures than needed do not count twice": {1, 2, "+-----+", "++----+"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, results(counter{rise: tt.rise, fall: tt.fall}, tt.row)); diff != "" {
				t.Errorf("verdicts after %s (-want +got):\n%s", tt.row, diff)
			}
		})
	}
}

func TestCounterOfARedefinedCheck(t *testing.T) {
	t.Parallel()
	old := counter{rise: 3, fall: 3}.after(Passing).after(Failing).after(Failing)
	for name, tt := range map[string]struct {
		hasty     bool
		row, want string
	}{
		"its own counts decide":                      {false, "--+-----++++", "+++++++-----"},
		"the first result decides where it is hasty": {true, "-+++++", "-----+"},
	} {
		c := old.redefined(5, 5, tt.hasty)
		if c.verdict != Passing {
			t.Errorf("the verdict became %s before the new check's first result", c.verdict)
		}
		if diff := cmp.Diff(tt.want, results(c, tt.row)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	down := counter{rise: 3, fall: 1}.after(Failing).redefined(3, 3, false)
	if diff := cmp.Diff("+", results(down, "+")); diff != "" {
		t.Errorf("the new check's first pass decides (-want +got):\n%s", diff)
	}
}

func FuzzCounter(f *testing.F) {
	f.Add(1, 3, []byte("+---+"))
	f.Fuzz(func(t *testing.T, rise, fall int, row []byte) {
		rise, fall = max(1, rise&7), max(1, fall&7)
		c := counter{rise: rise, fall: fall, hasty: true}
		inARow, last := 0, Unknown
		for i, b := range row {
			result, needed := Passing, rise
			if b&1 == 1 {
				result, needed = Failing, fall
			}
			if inARow++; result != last {
				inARow, last = 1, result
			}
			before := c.verdict
			c = c.after(result)
			switch changed := c.verdict != before; {
			case i == 0 && c.verdict != result:
				t.Fatalf("the first result did not decide")
			case changed && c.verdict != result:
				t.Fatalf("the verdict turned against the result")
			case inARow >= needed && c.verdict != result:
				t.Fatalf("%d in a row did not decide", inARow)
			case i > 0 && changed && inARow < needed:
				t.Fatalf("%d in a row decided", inARow)
			}
		}
	})
}
