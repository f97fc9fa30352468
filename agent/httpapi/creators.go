package httpapi

import (
	"sync"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// creators remembers which request made an object, so that its repetition is not taken for somebody
// else's. It is for retries, which come within seconds, and so does not outlive the process.
type creators struct {
	mu   sync.Mutex
	keys map[creation]string
}

type creation struct {
	kind spec.Kind
	key  string
}

func (c *creators) set(kind spec.Kind, key, idempotencyKey string) {
	if idempotencyKey == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil {
		c.keys = map[creation]string{}
	}
	c.keys[creation{kind, key}] = idempotencyKey
}

func (c *creators) is(kind spec.Kind, key, idempotencyKey string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return idempotencyKey != "" && c.keys[creation{kind, key}] == idempotencyKey
}
