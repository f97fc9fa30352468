package provider

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLogsAreWrittenForWhoeverAsksForThem(t *testing.T) {
	t.Parallel()
	off := []string{"TF_LOG_SDK", "TF_LOG_SDK_FRAMEWORK", "TF_LOG_SDK_PROTO"}
	for name, test := range map[string]struct{ environment, want []string }{
		"nobody":               {[]string{"PATH=/bin", "TF_VAR_LOG=1"}, off},
		"somebody":             {[]string{"TF_LOG=debug"}, nil},
		"of providers":         {[]string{"TF_LOG_PROVIDER=trace"}, nil},
		"of the framework":     {[]string{"TF_LOG_SDK_FRAMEWORK=info"}, nil},
		"of Terraform's alone": {[]string{"TF_LOG_CORE=trace", "TF_LOG_PATH=/tmp/log"}, off},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, unreadLogs(test.environment)); diff != "" {
				t.Errorf("switched off (-want +got):\n%s", diff)
			}
		})
	}
}
