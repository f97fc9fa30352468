package check

import (
	"bytes"
	"strings"
)

// head keeps the first bytes that are written to it, and takes the rest without keeping it.
type head struct{ kept bytes.Buffer }

// Write implements io.Writer. It never fails: a script that talks a lot is not stopped by that.
func (h *head) Write(p []byte) (int, error) {
	h.kept.Write(p[:min(len(p), maxOutput-h.kept.Len())])
	return len(p), nil
}

// line returns the first line that says something.
func (h *head) line() string {
	for line := range strings.Lines(h.kept.String()) {
		if line = clean(line); line != "" {
			return line
		}
	}
	return ""
}
