package provider

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

// answers is a fault: a problem in place of an answer to what begins with a method.
func answers(method string, status int, problem string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != method {
			return false
		}
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(problem)) // the client may be gone
		return true
	}
}

const otherVersion = "Its agent is of another version than this provider: upgrade lvs-agent there"

func TestAgentThatDoesNotKnowAnAttributeIsNamedAtPlan(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	directors["d2"].setFault(answers("PUT", http.StatusBadRequest,
		`{"type":"about:blank","status":400,"detail":"rise: unknown field","errors":[{"pointer":"/rise","detail":"unknown field: the object has command"}]}`))
	run(t, resource.TestStep{Config: providerBlock(directors) + goodScript, PlanOnly: true, ExpectError: saying("On d2: unknown field: the object has command. " + otherVersion)})
	onlyAsked(t, directors)
}

func TestAgentWithoutTheRouteOfAnObjectIsNamedAtPlan(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	directors["d1"].setFault(answers("PUT", http.StatusNotFound, `{"type":"about:blank","status":404,"detail":"nothing is at /v1/check-scripts/gateway"}`))
	run(t, resource.TestStep{Config: providerBlock(directors) + goodScript, PlanOnly: true, ExpectError: saying("On d1: nothing is at /v1/check-scripts/gateway. " + otherVersion)})
	onlyAsked(t, directors)
}

// What a newer agent answers beside what is known is passed over.
func TestNewerAgentIsUnderstood(t *testing.T) {
	t.Parallel()
	directors := newDirectors(t, "d1", "d2")
	front := directors["d2"].server.Config.Handler
	directors["d2"].server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		front.ServeHTTP(&newerAnswer{ResponseWriter: w}, r)
	})
	config := providerBlock(directors) + goodScript
	run(t, resource.TestStep{Config: config}, resource.TestStep{Config: config, ConfigPlanChecks: noChanges()})
}

// newerAnswer adds a field to every object that is answered.
type newerAnswer struct {
	http.ResponseWriter
	begun bool
}

func (a *newerAnswer) Write(b []byte) (int, error) {
	if rest, isObject := strings.CutPrefix(string(b), "{"); isObject && !a.begun {
		a.begun = true
		_, err := a.ResponseWriter.Write([]byte(`{"newer":{"than":"this"},` + rest))
		return len(b), err
	}
	return a.ResponseWriter.Write(b)
}
