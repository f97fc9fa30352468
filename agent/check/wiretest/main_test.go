package wiretest

import (
	"testing"

	"github.com/lvs-director/terraform-provider-lvs/internal/lab"
)

func TestMain(m *testing.M) { lab.Main(m, lab.NeedRoot, lab.NeedNginx) }
