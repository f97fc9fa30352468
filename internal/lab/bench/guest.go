package bench

import (
	"context"
	"fmt"
	"os"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

// InGuest runs this program again, with its arguments and more, in a guest whose kernel has IPVS.
func InGuest(ctx context.Context, more ...string) (status int, err error) {
	if err := lab.Installed(); err != nil {
		return 0, fmt.Errorf("this kernel has no IPVS or this user may not change it, so a guest is wanted: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	argv := append([]string{self}, os.Args[1:]...)
	return lab.Guest{}.Run(ctx, os.Stdout, append(argv, more...)...)
}
