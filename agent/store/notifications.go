package store

import (
	"bytes"
	"fmt"
	"strings"

	"go.etcd.io/bbolt"

	"github.com/lvs-director/terraform-provider-lvs/internal/spec"
)

// bucketNotifications has what hooks are still to be told, each as hook/revision.
var bucketNotifications = []byte("notification")

// Notifications keeps what hooks are still to be told. A store in memory keeps nothing.
type Notifications struct{ store *Store }

// NotificationsOf returns those of a store.
func NotificationsOf(s *Store) Notifications { return Notifications{s} }

// Notifications returns all that is kept, by hook, in the order of the events' revisions.
func (n Notifications) Notifications() (map[spec.HookID][]spec.Notification, error) {
	all := map[spec.HookID][]spec.Notification{}
	if n.store.db == nil {
		return all, nil
	}
	err := n.store.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketNotifications).ForEach(func(key, data []byte) error {
			hook := string(key)
			id, err := spec.ParseHookID(hook[:max(0, strings.LastIndexByte(hook, '/'))])
			if err != nil {
				return err
			}
			var v spec.Notification
			if err := spec.DecodeAnswer(bytes.NewReader(data), &v); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
			all[id] = append(all[id], v)
			return nil
		})
	})
	if err != nil {
		return all, fmt.Errorf("read what hooks are still to be told: %w", err)
	}
	return all, nil
}

// Change keeps some notifications and then forgets some, which are known by hook and revision: all or none.
func (n Notifications) Change(keep, forget map[spec.HookID][]spec.Notification) error {
	if n.store.db == nil {
		return nil
	}
	err := n.store.change(func(w *writer) error {
		for id, all := range keep {
			for _, v := range all {
				data, err := spec.Encode(v)
				if err != nil {
					return err
				}
				if err := w.put(bucketNotifications, notificationKey(id, v), data); err != nil {
					return err
				}
			}
		}
		for id, all := range forget {
			for _, v := range all {
				if err := w.put(bucketNotifications, notificationKey(id, v), nil); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write down what hooks are still to be told: %w", err)
	}
	return nil
}

// notificationKey sorts those of a hook by their revisions.
func notificationKey(id spec.HookID, v spec.Notification) []byte {
	return fmt.Appendf(nil, "%s/%020d", id, v.Event.Revision)
}
