package spec

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Creation is which request made an object, by its idempotency key, so that its repetition is not taken for somebody else's
// request. It is kept with the object, under CreationKey.
type Creation struct {
	IdempotencyKey string    `json:"idempotency_key"`
	At             time.Time `json:"at"`
}

const (
	// CreationLasts is for how long a creation is remembered: repetitions come within seconds, or when somebody has
	// mended the network.
	CreationLasts = time.Hour
	// MaxCreations bounds how many are.
	MaxCreations = 4096
	// MaxIdempotencyKey bounds an idempotency key, in bytes.
	MaxIdempotencyKey = 255
)

// CreationKey is the key of an object's Creation, in Desired.Creations and as that of a Change.
func CreationKey(kind Kind, key string) string { return string(kind) + " " + key }

// ValidateIdempotencyKey reports what is wrong with one; it may be empty.
func ValidateIdempotencyKey(key string) error {
	if len(key) > MaxIdempotencyKey || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
		return fmt.Errorf("it is longer than %d bytes, or has others than those of ASCII that can be seen: use a random one, such as a UUID", MaxIdempotencyKey)
	}
	return nil
}

// CreatedBy reports whether the request of that idempotency key made the object, lately.
func (d Desired) CreatedBy(kind Kind, key, idempotencyKey string, now time.Time) bool {
	c, known := d.Creations[CreationKey(kind, key)]
	return known && idempotencyKey != "" && c.IdempotencyKey == idempotencyKey && now.Sub(c.At) < CreationLasts
}

// Create returns the changes that remember which request makes an object; there are none without an idempotency key. When
// as many are remembered as may be, the older half is forgotten.
func (d Desired) Create(kind Kind, key, idempotencyKey string, now time.Time) (changes []Change) {
	if idempotencyKey == "" {
		return nil
	}
	if len(d.Creations) >= MaxCreations {
		byAge := slices.SortedFunc(maps.Keys(d.Creations), func(a, b string) int {
			return cmp.Or(d.Creations[a].At.Compare(d.Creations[b].At), cmp.Compare(a, b))
		})
		for _, old := range byAge[:MaxCreations/2] {
			changes = append(changes, Change{Kind: KindCreation, Key: old})
		}
	}
	return append(changes, Change{Kind: KindCreation, Key: CreationKey(kind, key), Value: Creation{IdempotencyKey: idempotencyKey, At: now}})
}

// Forget returns the changes by which nobody is the creator any more of what the others delete.
func (d Desired) Forget(others []Change) (changes []Change) {
	for _, c := range others {
		key := CreationKey(c.Kind, c.Key)
		if _, known := d.Creations[key]; known && c.Value == nil {
			changes = append(changes, Change{Kind: KindCreation, Key: key})
		}
	}
	return changes
}
