package hooks

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/emsapi"
)

func TestOrdersThatFailAreGivenAgainWithGrowingPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shop{answers: slices.Repeat([]error{errRefusal}, 6)}
		r := s.reconciler()
		if got := s.follow(t, r, wishFor("a"), 2*time.Minute); !slices.Equal(got, []int{0, 1, 3, 7, 15, 23, 31}) {
			t.Errorf("orders at %v", got)
		}
		if want := []string{"a: give: no", "a is over: failing"}; !slices.Equal(s.told, want) || s.failures != 6 {
			t.Errorf("told %q of %d failures", s.told, s.failures)
		}
		s.orders = nil // it has worked: the next failure is a first one
		s.answers = []error{errRefusal}
		got := s.follow(t, r, wishFor("a"), 10*time.Second)
		if !slices.Equal(got, []int{0, 1}) || !slices.Equal(s.given[7:], []string{"a0", "a1"}) {
			t.Errorf("orders at %v, given %q", got, s.given[7:])
		}
	})
}

func TestAnOrderWithoutAnAnswerIsNotGivenTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shop{answers: []error{errNoReply}}
		r := s.reconciler()
		again, err := r.reconcile(t.Context(), wishFor("a", "b"), s.list)
		if err == nil || again == 0 || len(s.given) != 1 {
			t.Errorf("%v, %v, orders %q: the next ones wait for nothing", again, err, s.given)
		}
		time.Sleep(again)
		s.follow(t, r, wishFor("a", "b"), time.Second)
		if want := []string{"a0", "b0"}; !slices.Equal(s.given, want) {
			t.Errorf("orders %q: it may have been accepted", s.given)
		}
		// It is listed late, just before it would be given again.
		s.orders = append(s.orders, found[string, int]{key: "a", order: 99, ours: true, condition: works})
		s.follow(t, r, wishFor("a", "b"), time.Minute)
		if len(s.given) != 2 || len(s.orders) != 2 {
			t.Errorf("orders %q", s.given)
		}
		// Another one is not listed at all.
		s.answers = []error{errNoReply}
		if got := s.follow(t, r, wishFor("a", "b", "c"), time.Minute); !slices.Equal(got, []int{0, 3}) {
			t.Errorf("orders at %v", got)
		}
	})
}

func TestAnAcceptedOrderMayBeListedLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shop{unlist: true}
		r := s.reconciler()
		if got := s.follow(t, r, wishFor("a"), 2900*time.Millisecond); !slices.Equal(got, []int{0}) {
			t.Errorf("orders at %v", got)
		}
		// A list that was asked for before that says nothing, however late it comes.
		old := listing[string, int]{asked: time.Now()}
		time.Sleep(time.Minute)
		if changes, again := r.plan(wishFor("a"), old, time.Now()); len(changes) > 0 || again == 0 {
			t.Errorf("an old list leads to %+v", changes)
		}
		if got := s.follow(t, r, wishFor("a"), 20*time.Second); !slices.Equal(got, []int{0, 3, 6, 10, 18}) {
			t.Errorf("orders at %v", got)
		}
		if len(s.told) != 1 {
			t.Errorf("told %q", s.told)
		}
	})
}

func TestWhatIsNotWantedIsRemovedAndOthersOrdersStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shop{orders: []found[string, int]{
			{key: "gone", order: 11, ours: true}, {key: "gone", order: 12, ours: false},
			{key: "twice", order: 13, ours: true}, {key: "twice", order: 14, ours: true},
			{key: "theirs", order: 15, ours: false}, {key: "theirs", order: 16, ours: true},
			{key: "old", order: 17, ours: true, condition: stale},
		}}
		r := s.reconciler()
		r.progress("gone").fail(time.Now(), whole, shopPace)
		s.follow(t, r, wishFor("twice", "theirs", "old"), time.Minute)
		var left []int
		for _, f := range s.orders {
			left = append(left, f.order)
		}
		if !slices.Equal(left, []int{12, 13, 15, 1}) || !slices.Equal(s.given, []string{"old0"}) {
			t.Errorf("orders %v are left, given %q", left, s.given)
		}
		if len(r.known) != 3 {
			t.Errorf("%d wishes are remembered", len(r.known))
		}
	})
}

func TestNothingIsOrderedBesideAnOrderThatCannotBeRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shop{stuck: true, orders: []found[string, int]{{key: "a", order: 11, ours: true, condition: spent}}}
		r := s.reconciler()
		if got := s.follow(t, r, wishFor("a"), 10*time.Second); len(got) > 0 {
			t.Errorf("orders at %v", got)
		}
		s.stuck = false
		if got := s.follow(t, r, wishFor("a"), 10*time.Second); !slices.Equal(got, []int{0}) {
			t.Errorf("orders at %v", got)
		}
	})
}

func TestAnOrderThatEndedIsAFailureUnlessItsKindRevives(t *testing.T) {
	for name, c := range map[string]struct {
		revives, worked bool
		at              []int
		told            int
	}{
		"it failed":                 {at: []int{1}, told: 2},
		"it has worked":             {worked: true, at: []int{1}, told: 2},
		"it failed, and revives":    {revives: true, at: []int{1}, told: 2},
		"it has worked and revives": {revives: true, worked: true, at: []int{0}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &shop{}
				r := s.reconciler()
				r.pace.revives = c.revives
				s.follow(t, r, wishFor("a"), time.Second)
				if c.worked {
					s.follow(t, r, wishFor("a"), 3*time.Second)
				}
				s.orders[0].condition = ended
				if got := s.follow(t, r, wishFor("a"), 10*time.Second); !slices.Equal(got, c.at) || len(s.told) != c.told {
					t.Errorf("orders at %v, told %q", got, s.told)
				}
			})
		})
	}
}

func TestAPlaceThatIsTakenIsTriedNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shop{answers: []error{errTaken, errTaken, errTaken}}
		r := s.reconciler()
		if got := s.follow(t, r, wishFor("a"), 90*time.Second); !slices.Equal(got, []int{0, 20, 40, 60}) {
			t.Errorf("orders at %v", got)
		}
		if want := []string{"a: " + errTaken.Error(), "a is over: taken"}; !slices.Equal(s.told, want) {
			t.Errorf("told %q", s.told)
		}
	})
}

func TestWhatCannotBeSentIsLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shop{answers: []error{fmt.Errorf("name %w", emsapi.ErrValue)}}
		r := s.reconciler()
		if got := s.follow(t, r, wishFor("a", "b"), time.Hour); !slices.Equal(got, []int{0, 0}) || len(s.told) != 1 {
			t.Errorf("orders at %v, told %q", got, s.told)
		}
		s.follow(t, r, wishFor("b"), time.Second) // it is gone
		if got := s.follow(t, r, wishFor("a", "b"), time.Second); !slices.Equal(got, []int{0}) {
			t.Errorf("when it is back: orders at %v", got)
		}
	})
}

func TestAServerThatDoesNotAnswerIsAskedWithGrowingPausesAndGetsNoOldOrders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shop{away: true, orders: []found[string, int]{{key: "a", order: 11, ours: true}}}
		r := s.reconciler()
		if got := s.follow(t, r, wishFor("b"), 12*time.Second); len(got) > 0 || s.asked != 5 {
			t.Errorf("asked %d times, orders at %v", s.asked, got) // at 0, 1, 3, 7 and 11 s
		}
		if _, err := r.reconcile(t.Context(), wishFor("b"), s.list); !errors.Is(err, errNoReply) || s.asked != 5 {
			t.Errorf("asked %d times, %v: it is asked in the pause", s.asked, err)
		}
		s.away = false
		s.follow(t, r, wishFor("a"), time.Minute) // what is wanted has changed meanwhile
		if len(s.orders) != 1 || len(s.given) != 0 || r.away.err != nil {
			t.Errorf("%d orders, given %q, %v", len(s.orders), s.given, r.away.err)
		}
		s.away = true
		if again, err := r.reconcile(t.Context(), wishFor("a"), s.list); err == nil || again > firstRetry+time.Millisecond {
			t.Errorf("asked again after %v: the pauses do not begin again", again)
		}
	})
}

func TestAnOrderThatIsStartingIsLookedAtForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shop{}
		r := s.reconciler()
		s.follow(t, r, wishFor("a"), time.Second)
		s.orders[0].condition = starting
		s.follow(t, r, wishFor("a"), 30*time.Second)
		if s.asked > 5 {
			t.Errorf("asked %d times in half a minute", s.asked)
		}
		if len(s.given) != 1 || len(s.told) != 0 {
			t.Errorf("given %q, told %q", s.given, s.told)
		}
	})
}
