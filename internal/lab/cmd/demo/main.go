// Command demo shows the main job on a real kernel: a pair of directors set up by Terraform, a client
// that is served through a failover, drift that a plan names, and nothing left behind. It ends with
// exit status 1 when any step is not as it is told.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	status, err := run(ctx)
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "\ndemo: interrupted; what it made is gone")
		status = 130
	case err != nil:
		fmt.Fprintln(os.Stderr, "\ndemo:", err)
		status = 1
	}
	stop()
	os.Exit(status)
}

// run shows the demo here, or has the same program show it inside a guest whose kernel has IPVS.
func run(ctx context.Context) (status int, err error) {
	if lab.HasRoot() && lab.HasIPVS() {
		return 0, show(ctx)
	}
	if err := lab.Installed(); err != nil {
		return 1, err
	}
	self, err := os.Executable()
	if err != nil {
		return 1, err
	}
	fmt.Println("This kernel has no IPVS that we may use: booting a guest kernel that has.")
	return lab.Guest{}.Run(ctx, os.Stdout, self)
}

// show runs the steps in a folder that is gone afterwards.
func show(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "lvs-demo-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	terraform := os.Getenv("TERRAFORM")
	if terraform == "" {
		terraform = "terraform"
	}
	d := &demo{
		story:     &story{out: os.Stdout},
		dir:       dir,
		agent:     filepath.Join(root, "bin", "lvs-agent"),
		provider:  filepath.Join(root, "bin", "terraform-provider-lvs"),
		example:   filepath.Join(root, "examples", "ha-pair-dr"),
		terraform: terraform,
	}
	return d.run(ctx)
}
