package watcher

import "sync"

// requests are what others ask of a Watcher, until its goroutine takes them.
type requests struct {
	wake   chan struct{} // capacity 1: expected or looks are not empty
	rescan chan struct{} // capacity 1: a scan of the whole tree is asked for

	mu       sync.Mutex // guards what follows
	expected [][]string // one list for each call of Expect
	looks    []string   // at most maxLooks
}

func newRequests() requests {
	return requests{wake: make(chan struct{}, 1), rescan: make(chan struct{}, 1)}
}

func (r *requests) expect(paths []string) {
	r.mu.Lock()
	r.expected = append(r.expected, paths)
	r.mu.Unlock()
	signal(r.wake)
}

func (r *requests) look(paths []string) {
	r.mu.Lock()
	r.looks = append(r.looks, paths[:min(len(paths), maxLooks-len(r.looks))]...)
	r.mu.Unlock()
	signal(r.wake)
}

// signal does not block: one signal that waits is enough.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// takeLooks returns the paths of Look since the last call.
func (r *requests) takeLooks() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	paths := r.looks
	r.looks = nil
	return paths
}

// takeExpected returns the paths of Expect since the last call.
func (r *requests) takeExpected() [][]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	lists := r.expected
	r.expected = nil
	return lists
}
