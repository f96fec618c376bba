package watcher

import (
	"context"
	"time"
)

// run is the loop of the tree. It returns when ctx ends.
func (t *tree) run(ctx context.Context, events chan<- Event) {
	defer t.detach()
	t.mounts.watch = newMountWatch()
	defer t.mounts.watch.close()
	t.checkRoot()
	check := time.NewTicker(min(rootCheck, t.opts.PollInterval))
	defer check.Stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	always := make(chan struct{})
	close(always)

	for {
		var more <-chan struct{}
		if t.step() {
			more = always
		}
		t.publishState()
		t.settle()
		if wait, ok := t.nextStep(); ok {
			timer.Reset(wait)
		} else {
			timer.Stop()
		}
		out, first := t.offer(events)
		select {
		case <-ctx.Done():
			return
		case decode, ok := <-t.batches():
			t.takeBatch(decode, ok)
		case out <- first:
			t.out.pop()
		case <-t.w.requests.wake:
			t.named.queue = append(t.named.queue, t.w.requests.takeExpected()...)
			t.expectSome()
			t.lookAt(t.w.requests.takeLooks())
		case <-t.w.requests.rescan:
			if t.root.present {
				t.rescanAll()
			}
		case <-check.C:
			t.checkRoot()
			t.checkMounts()
		case <-timer.C:
		case <-more:
		}
	}
}

// offer returns the next event and the channel to send it to, which is nil if there is no event.
func (t *tree) offer(events chan<- Event) (chan<- Event, Event) {
	if t.out.empty() {
		return nil, Event{}
	}
	return events, t.out.first()
}

// batches returns the notifier's channel, or nil if there is none.
func (t *tree) batches() <-chan batch {
	if t.root.notify == nil {
		return nil
	}
	return t.root.notify.batches()
}

// takeBatch takes notes; ok is false if the notifier has failed.
func (t *tree) takeBatch(decode batch, ok bool) {
	if !ok {
		t.root.replaced = true // start again
		t.checkRoot()
		return
	}
	now, root := time.Now(), t.root.attached
	for _, n := range decode() {
		if t.root.attached == root { // else it is about the former root
			t.take(n, now)
		}
	}
}

// step does a share of the work, and reports whether there is more.
func (t *tree) step() bool {
	if !t.root.present {
		return t.expectSome()
	}
	now := time.Now()
	n := t.decideSome(now)
	if t.root.present { // a decision may have found that it is gone
		t.scanNext(now)
	}
	return t.expectSome() || n == decisions || len(t.scans.queue) > 0
}

// decideSome decides on some of the files that are due, and returns on how many.
func (t *tree) decideSome(now time.Time) (n int) {
	for ; n < decisions && t.root.present; n++ {
		e := t.due.pop(now)
		if e == nil && len(t.scans.queue) == 0 {
			e = t.old.pop(now)
		}
		if e == nil {
			break
		}
		t.decide(e, now)
	}
	return n
}

// scanNext scans the next directory, if any is to be scanned.
func (t *tree) scanNext(now time.Time) {
	if len(t.scans.queue) == 0 && t.incomplete() && now.Sub(t.scans.done) >= t.opts.PollInterval {
		t.rescanAll()
	}
	if len(t.scans.queue) == 0 {
		return
	}
	d := t.scans.queue[0]
	t.scans.queue[0] = nil
	t.scans.queue = t.scans.queue[1:]
	t.scan(d, now)
	if t.root.present && len(t.scans.queue) == 0 {
		t.scanDone()
	}
}

// nextStep returns how long to wait until there is something to do, and whether there will be.
func (t *tree) nextStep() (time.Duration, bool) {
	if !t.root.present {
		return 0, false
	}
	at, ok := t.due.next()
	if old, some := t.old.at(); some && (!ok || old.Before(at)) {
		at, ok = old, true
	}
	if t.incomplete() {
		if scan := t.scans.done.Add(t.opts.PollInterval); !ok || scan.Before(at) {
			at, ok = scan, true
		}
	}
	return max(0, time.Until(at)), ok
}

// incomplete reports whether notes do not tell all that happens in the tree. Then it is scanned at
// intervals.
func (t *tree) incomplete() bool {
	return t.root.notify == nil || t.state.Degraded || t.sharedBelow()
}
