package hook

import "github.com/lvs-director/terraform-provider-lvs/internal/spec"

// line is what waits for one hook, in order, and how the hook has fared. Hooks' lock guards it.
type line struct {
	id      spec.HookID
	waiting []spec.Notification
	// working is true while somebody tells the first of those that wait.
	working bool
	// wake ends the wait for the next attempt.
	wake chan struct{}
	// failing is true after an attempt that is to be repeated, until one that is not or the hook was changed.
	failing bool

	delivered, failures, lost uint64
	reason                    string
}

// add puts a notification at the end. When there are too many the oldest that nobody is telling is given up, which
// the one after it says: changed is that one.
func (l *line) add(n spec.Notification) (given, changed *spec.Notification) {
	l.waiting = append(l.waiting, n)
	if len(l.waiting) <= Capacity {
		return nil, nil
	}
	at := 0
	if l.working {
		at = 1
	}
	oldest, next := l.waiting[at], l.waiting[at+1]
	next.Lost += oldest.Lost + 1
	l.lost++
	copy(l.waiting[1:at+1], l.waiting[:at])
	l.waiting = l.waiting[1:]
	l.waiting[at] = next
	return &oldest, &next
}

// told takes out the first, after it was told or refused.
func (l *line) told(r Result, err error) (first spec.Notification) {
	first, l.waiting = l.waiting[0], l.waiting[1:]
	l.reason, l.failing = "", false
	if err != nil {
		l.failures++
		l.reason = err.Error()
	}
	if r == Told {
		l.delivered++
		return first
	}
	l.lost++
	if len(l.waiting) > 0 {
		l.waiting[0].Lost += first.Lost + 1
	}
	return first
}

// untold notes an attempt that is to be repeated, and reports whether its failure is another one than before.
func (l *line) untold(err error) (news bool) {
	l.failures++
	l.failing = true
	news = l.reason != err.Error()
	l.reason = err.Error()
	return news
}

// again ends the wait for the next attempt, of a hook that may have been mended.
func (l *line) again() {
	l.failing = false
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *line) status() spec.HookStatus {
	return spec.HookStatus{Waiting: len(l.waiting), Delivered: l.delivered, Failures: l.failures, Lost: l.lost, Reason: l.reason}
}
