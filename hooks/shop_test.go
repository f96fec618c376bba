package hooks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"ems-sidecar/emsapi"
)

var (
	errRefusal = &emsapi.Failure{Command: "give", Description: "no"}
	errNoReply = errors.New("connection refused")
	errTaken   = &emsapi.Failure{Command: "give", Description: "Stream name a already taken"}
)

// A shop is a server with orders by name, and the carrier to it. Each answer to create is used
// once.
type shop struct {
	orders   []found[string, int]
	away     bool
	answers  []error // of create: nil accepts the order
	unlist   bool    // orders are accepted and never listed
	stuck    bool    // orders cannot be removed
	asked    int
	next     int
	told     []string // what the operator is told: the first failure in a row, and its end
	failing  map[string]bool
	failures int
	given    []string // with the tries before
}

func (s *shop) list(context.Context) (listing[string, int], error) {
	s.asked++
	if s.away {
		return listing[string, int]{}, errNoReply
	}
	return listing[string, int]{time.Now(), slices.Clone(s.orders)}, nil
}

func (s *shop) create(_ context.Context, key, _ string, tries int) (err error) {
	s.given = append(s.given, fmt.Sprint(key, tries))
	if len(s.answers) > 0 {
		err, s.answers = s.answers[0], s.answers[1:]
	}
	if err == nil && !s.unlist {
		s.next++
		s.orders = append(s.orders, found[string, int]{key: key, order: s.next, ours: true, condition: works})
	}
	return err
}

func (s *shop) remove(_ context.Context, order int, _ string) error {
	if s.stuck {
		return errRefusal
	}
	s.orders = slices.DeleteFunc(s.orders, func(f found[string, int]) bool { return f.order == order })
	return nil
}

func (s *shop) failed(key, _ string, err error) {
	s.failures++
	if s.failing[key] {
		return
	}
	if s.failing == nil {
		s.failing = make(map[string]bool)
	}
	s.failing[key] = true
	s.told = append(s.told, key+": "+err.Error())
}

func (s *shop) forget(key string) { delete(s.failing, key) }

func (s *shop) recovered(key, _ string, over phase) {
	s.forget(key)
	s.told = append(s.told, key+" is over: "+over.String())
}

var shopPace = pace{
	first: time.Second, most: 8 * time.Second, settles: 2 * time.Second, watched: 4 * time.Second,
	taken: 20 * time.Second, away: 4 * time.Second, unwanted: "unwanted",
}

// whole is the longest pause that a random source can lead to, so that the times are known.
func whole(d time.Duration) time.Duration { return d }

func (s *shop) reconciler() *reconciler[string, string, int] {
	return newReconciler(s, shopPace, whole)
}

func wishFor(keys ...string) (wishes []wish[string, string]) {
	for _, k := range keys {
		wishes = append(wishes, wish[string, string]{key: k})
	}
	return wishes
}

// follow reconciles when the reconciler asks for it, for so long, and at least each minute. It
// returns at which seconds orders were given.
func (s *shop) follow(t *testing.T, r *reconciler[string, string, int], wishes []wish[string, string],
	long time.Duration) (at []int) {
	t.Helper()
	began := time.Now()
	for time.Since(began) < long {
		before, now := len(s.given), time.Since(began)
		again, _ := r.reconcile(t.Context(), wishes, s.list)
		for range len(s.given) - before {
			at = append(at, int(now.Seconds()))
		}
		time.Sleep(min(sooner(again, time.Minute), long-time.Since(began)))
	}
	return at
}
