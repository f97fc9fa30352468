package main

import (
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

func TestMain(m *testing.M) { lab.Main(m, lab.NeedGuest) }

func TestExitStatus(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		want int
	}{
		"command fails":    {[]string{"lab", "sh", "-c", "exit 7"}, 7},
		"command succeeds": {[]string{"lab", "-mem", "256M", "ipvsadm", "-Ln"}, 0},
		"no such command":  {[]string{"lab", "/no/such/program"}, 127},
		"no command":       {[]string{"lab"}, statusUsage},
		"unknown flag":     {[]string{"lab", "-x", "true"}, statusUsage},
		"does not boot":    {[]string{"lab", "-mem", "4M", "true"}, statusGuest},
		"ended by signal":  {[]string{"lab", "sh", "-c", "kill -9 $$"}, 128 + 9},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := run(t.Context(), c.args); got != c.want {
				t.Errorf("%v: exit status %d, want %d", c.args, got, c.want)
			}
		})
	}
}
