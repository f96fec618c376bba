package watcher

import (
	"context"
	"time"
)

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
		var batches <-chan batch
		if t.root.notify != nil {
			batches = t.root.notify.batches()
		}
		var out chan<- Event
		var first Event
		if !t.out.empty() {
			out, first = events, t.out.first()
		}

		select {
		case <-ctx.Done():
			return
		case decode, ok := <-batches:
			if !ok {
				t.root.replaced = true // the notifier failed: start again
				t.checkRoot()
				continue
			}
			now, root := time.Now(), t.root.attached
			for _, n := range decode() {
				if t.root.attached == root { // the rest is of the former root
					t.take(n, now)
				}
			}
		case out <- first:
			t.out.pop()
		case <-t.w.wake:
			t.named.queue = append(t.named.queue, t.w.takeExpected()...)
			t.expectSome()
			t.lookAt(t.w.takeLooks())
		case <-t.w.rescan:
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

// step does a share of what is to be done and reports whether there is more.
func (t *tree) step() bool {
	if !t.root.present {
		return t.expectSome()
	}
	now := time.Now()
	n := 0
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
	if t.root.present && len(t.scans.queue) == 0 && t.incomplete() && now.Sub(t.scans.done) >= t.opts.PollInterval {
		t.rescanAll()
	}
	if t.root.present && len(t.scans.queue) > 0 {
		d := t.scans.queue[0]
		t.scans.queue[0] = nil
		t.scans.queue = t.scans.queue[1:]
		t.scan(d, now)
		if t.root.present && len(t.scans.queue) == 0 {
			t.scanDone()
		}
	}
	return t.expectSome() || n == decisions || len(t.scans.queue) > 0
}

// nextStep returns how long there is nothing to do unless something happens.
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

// incomplete reports whether notes do not tell all that happens in the tree, so that it is scanned
// again and again.
func (t *tree) incomplete() bool {
	return t.root.notify == nil || t.state.Degraded || t.sharedBelow()
}
