package provider

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

// A director that takes requests and never answers, or stops in the middle, is given up like one that is down.
func TestDirectorThatNeverAnswersIsGivenUpByName(t *testing.T) {
	t.Parallel()
	for name, stall := range map[string]func(http.ResponseWriter){
		"no answer": func(http.ResponseWriter) {},
		"half an answer": func(w http.ResponseWriter) {
			_, _ = w.Write([]byte(`{"name":"d2",`)) // the client may be gone
			_ = http.NewResponseController(w).Flush()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directors := newDirectors(t, "d1", "d2")
			d2 := directors["d2"]
			const objects = 30
			config := fmt.Sprintf(`
resource "lvs_check_script" "all" {
  count   = %d
  name    = "script-${count.index}"
  command = ["/scripts/ping"]
  rise    = 2
}`, objects)
			stalls := func(w http.ResponseWriter, r *http.Request) bool {
				stall(w)
				<-r.Context().Done()
				return true
			}
			few := func() {
				if asked := d2.seen(""); len(asked) == 0 || len(asked) >= objects {
					t.Errorf("it was asked %d times for %d objects: %q", len(asked), objects, asked)
				}
			}
			soon := func() (tfprotov6.ProviderServer, error) {
				return providerserver.NewProtocol6WithError(&lvsProvider{version: "test", callTimeout: 2 * time.Second})()
			}
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: map[string]func() (tfprotov6.ProviderServer, error){"lvs": soon},
				Steps: []resource.TestStep{
					{
						PreConfig: func() { d2.setFault(stalls) }, Config: providerBlock(directors) + config,
						ExpectError: saying("On d2: no answer from " + d2.url + ": it did not answer in time: is the director up"),
					},
					{PreConfig: func() { few(); d2.setFault(nil) }, Config: providerBlock(directors) + config},
					{
						PreConfig: func() { d2.setFault(stalls) }, Config: providerBlock(directors) + config,
						ExpectError: saying("On d2: no answer from " + d2.url + ": it did not answer in time: is the director up"),
					},
					// Nobody waits for it once an object.
					{
						PreConfig: func() { d2.seen("") },
						Config:    providerBlock(directors, `on_unreachable = "warn"`) + replaceOnce(t, config, "rise    = 2", "rise    = 3"),
					},
					{
						PreConfig: func() {
							few()
							d2.setFault(nil)
						},
						Config: providerBlock(directors) + config,
					},
				},
			})
		})
	}
}
