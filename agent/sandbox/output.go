package sandbox

import (
	"bytes"
	"strings"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// maxOutput is how much of a program's output is kept, in bytes; the rest is read and dropped.
const maxOutput = 4 << 10

// output keeps the first bytes that are written to it, and takes the rest without keeping it.
type output struct{ kept bytes.Buffer }

// Write implements io.Writer. It never fails: a program that talks a lot is not stopped by that.
func (o *output) Write(p []byte) (int, error) {
	o.kept.Write(p[:min(len(p), maxOutput-o.kept.Len())])
	return len(p), nil
}

// line returns the first line that says something.
func (o *output) line() string {
	for line := range strings.Lines(o.kept.String()) {
		if line = spec.OneLine(line); line != "" {
			return line
		}
	}
	return ""
}
