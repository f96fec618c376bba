package s3store

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"ems-sidecar/internal/s3test"
	"ems-sidecar/uploader"
)

// A testRace begins when the first request has arrived, if it may.
type testRace struct {
	may       bool
	settles   bool
	first     <-chan struct{} // closed when it has arrived
	won       bool
	firstErr  error
	secondErr error
	ended     int
}

func (r *testRace) After() time.Duration { return time.Nanosecond }

func (r *testRace) Begin() bool {
	<-r.first
	return r.may
}

func (r *testRace) Settles() bool { return r.settles }

func (r *testRace) End(first, second uploader.Ending) {
	r.won, r.firstErr, r.secondErr = first.Err != nil && second.Err == nil, first.Err, second.Err
	r.ended++
}

// A racer is what a test does with the requests of a race, by their number from 1 on.
type racer struct {
	requests atomic.Int32
	reached  [3]chan struct{} // closed when the request has arrived, with its content
	answer   func(n int, w http.ResponseWriter, r *http.Request)
	from     [3]string // the connections
}

// ok answers as a store that has the content.
func ok(w http.ResponseWriter, content []byte) {
	sum := md5.Sum(content)
	w.Header().Set("Etag", `"`+hex.EncodeToString(sum[:])+`"`)
	w.Header().Set("X-Amz-Request-Id", "1")
	w.Header().Set("Server", "test")
}

var raced = content(1, 300_000)

// openRacer returns a store whose requests f answers.
func openRacer(t *testing.T, f func(n int, w http.ResponseWriter, r *http.Request)) (*Store, *racer) {
	t.Helper()
	x := &racer{answer: f}
	for i := range x.reached {
		x.reached[i] = make(chan struct{})
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int(x.requests.Add(1))
		got, err := io.ReadAll(r.Body)
		if n > 2 || err != nil || !bytes.Equal(got, raced) {
			t.Errorf("request %d has %d bytes: %v", n, len(got), err)
			return
		}
		x.from[n] = r.RemoteAddr
		close(x.reached[n])
		x.answer(n, w, r)
	}))
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	s, err := New(t.Context(), Settings{
		Bucket: "live", Address: Address{Endpoint: server.URL, Connections: 4}, PartSize: 5 << 20,
		Credentials: Credentials{AccessKey: s3test.AccessKey, SecretKey: s3test.SecretKey},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, x
}

func (x *racer) put(t *testing.T, s *Store, r *testRace) error {
	t.Helper()
	r.first = x.reached[1]
	o := object("a.ts", bytes.NewReader(raced), int64(len(raced)))
	o.Race = r
	return s.Put(t.Context(), o)
}

func TestASlowRequestIsOvertakenOverAnotherConnection(t *testing.T) {
	cancelled := make(chan struct{})
	s, x := openRacer(t, func(n int, w http.ResponseWriter, r *http.Request) {
		if n == 1 {
			<-r.Context().Done() // it is never answered, and has to be given up
			close(cancelled)
			return
		}
		ok(w, raced)
	})
	r := &testRace{may: true}
	if err := x.put(t, s, r); err != nil {
		t.Fatal(err)
	}
	<-cancelled
	if !r.won || r.ended != 1 || x.from[1] == x.from[2] {
		t.Errorf("the second one won: %t, ended %d times; the connections are %v", r.won, r.ended, x.from[1:])
	}
}

func TestARequestThatMayNotBeOvertakenIsWaitedFor(t *testing.T) {
	r := &testRace{}
	s, x := openRacer(t, func(_ int, w http.ResponseWriter, _ *http.Request) { ok(w, raced) })
	if err := x.put(t, s, r); err != nil {
		t.Fatal(err)
	}
	if n := x.requests.Load(); n != 1 || r.ended != 0 {
		t.Errorf("%d requests; the race ended %d times", n, r.ended)
	}
}

func TestTheSecondRequestIsCancelledWhenTheFirstIsAnswered(t *testing.T) {
	var x *racer
	s, x := openRacer(t, func(n int, w http.ResponseWriter, r *http.Request) {
		if n == 2 {
			<-r.Context().Done()
			return
		}
		<-x.reached[2]
		ok(w, raced)
	})
	r := &testRace{may: true}
	if err := x.put(t, s, r); err != nil || r.won || r.ended != 1 {
		t.Errorf("%v; the second one won: %t, ended %d times", err, r.won, r.ended)
	}
}

// What fails of two requests does not matter if the other one succeeds.
func TestOneGoodAnswerOfTwoIsEnough(t *testing.T) {
	for name, failing := range map[string]int{"first": 1, "second": 2} {
		t.Run(name, func(t *testing.T) {
			var x *racer
			failed := make(chan struct{})
			s, x := openRacer(t, func(n int, w http.ResponseWriter, r *http.Request) {
				if n == failing {
					<-x.reached[3-n]
					defer close(failed)
					refuse(w, r, http.StatusServiceUnavailable, "SlowDown")
					return
				}
				<-failed
				ok(w, raced)
			})
			r := &testRace{may: true}
			if err := x.put(t, s, r); err != nil {
				t.Fatal(err)
			}
			if wins := failing == 1; r.won != wins || (r.secondErr == nil) != wins {
				t.Errorf("the second one won: %t, its error is %v", r.won, r.secondErr)
			}
		})
	}
}

func TestOfTwoFailuresTheFirstRequestsIsTold(t *testing.T) {
	var x *racer
	s, x := openRacer(t, func(n int, w http.ResponseWriter, r *http.Request) {
		<-x.reached[3-n]
		refuse(w, r, http.StatusServiceUnavailable, map[int]string{1: "SlowDown", 2: "InternalError"}[n])
	})
	r := &testRace{may: true}
	if err := x.put(t, s, r); codeOf(err) != "SlowDown" || !errors.Is(err, uploader.ErrThrottled) || r.won ||
		!errors.Is(r.secondErr, uploader.ErrThrottled) {
		t.Errorf("%v; the second one won: %t, its error is %v", err, r.won, r.secondErr)
	}
}

// A manifest's request that loses would bring back an old one, so it is not left alone: Put returns
// when the store has answered both.
func TestR3BothAnswersAreWaitedForWhereALateRequestDoesHarm(t *testing.T) {
	for name, early := range map[string]int{"the first is early": 1, "the second is early": 2} {
		t.Run(name, func(t *testing.T) {
			var x *racer
			answered, cancelled := make(chan struct{}), false
			s, x := openRacer(t, func(n int, w http.ResponseWriter, r *http.Request) {
				if n == early {
					<-x.reached[3-n]
					defer close(answered)
					ok(w, raced)
					return
				}
				<-answered
				select {
				case <-r.Context().Done():
					cancelled = true
				case <-time.After(50 * time.Millisecond): // an answer that is waited for comes in any case
				}
				ok(w, raced)
			})
			r := &testRace{may: true, settles: true}
			if err := x.put(t, s, r); err != nil {
				t.Fatal(err)
			}
			if cancelled || r.firstErr != nil || r.secondErr != nil || r.ended != 1 {
				t.Errorf("cancelled: %t; the requests ended with %v and %v", cancelled, r.firstErr, r.secondErr)
			}
		})
	}
}

// The first request is refused for good, and the second one may still be applied.
func TestR3RefusalDoesNotHideThatTheOtherRequestMayBeApplied(t *testing.T) {
	var x *racer
	s, x := openRacer(t, func(n int, w http.ResponseWriter, r *http.Request) {
		if n == 2 {
			<-x.reached[1]
			panic(http.ErrAbortHandler)
		}
		<-x.reached[2]
		refuse(w, r, http.StatusForbidden, "AccessDenied")
	})
	s.terms = newAgreement(SignOn, terms{}, false)
	r := &testRace{may: true, settles: true}
	if err := x.put(t, s, r); err == nil || errors.Is(err, uploader.ErrPermanent) || !errors.Is(r.firstErr, uploader.ErrPermanent) {
		t.Errorf("%v; the first request ended with %v", err, r.firstErr)
	}
}

func TestARefusalEndsTheRace(t *testing.T) {
	var x *racer
	s, x := openRacer(t, func(n int, w http.ResponseWriter, r *http.Request) {
		if n == 2 {
			<-r.Context().Done()
			return
		}
		<-x.reached[2]
		refuse(w, r, http.StatusForbidden, "AccessDenied")
	})
	s.terms = newAgreement(SignOn, terms{}, false)
	r := &testRace{may: true}
	if err := x.put(t, s, r); !errors.Is(err, uploader.ErrPermanent) || r.ended != 1 {
		t.Errorf("%v; the race ended %d times", err, r.ended)
	}
}
