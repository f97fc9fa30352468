package wiretest

import (
	"fmt"
	"os"
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

func TestMain(m *testing.M) {
	if err := lab.BuildPrograms("../../..", "upgrade"); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	lab.Main(m, lab.NeedRoot, lab.NeedKeepalived)
}
