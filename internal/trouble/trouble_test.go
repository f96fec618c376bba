package trouble

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	uploadFailed = Failure{"upload", slog.LevelWarn, "upload failed"}
	silent       = Condition{Kind: "server_silent", Level: slog.LevelError, Message: "server does not answer", Over: "server answers again"}
	unlisted     = Condition{Kind: "unlisted", Level: slog.LevelWarn, Message: "store cannot list", Over: ""}
)

// A bench is a Reporter with a clock and a log that the test reads.
type bench struct {
	*Reporter
	now time.Time
	log bytes.Buffer
}

func newBench() *bench {
	b := &bench{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	b.Reporter = New(slog.New(slog.NewJSONHandler(&b.log, nil)), func() time.Time { return b.now })
	return b
}

// lines returns what was logged since the last call, as "level message key=value ...".
func (b *bench) lines(t *testing.T) (lines []string) {
	t.Helper()
	d := json.NewDecoder(&b.log)
	for d.More() {
		var fields map[string]any
		if err := d.Decode(&fields); err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprintf("%v %v", fields["level"], fields["msg"])
		for _, key := range []string{"root", "stream", "key", "err", "next", "repeats", "lasted", "kind", "count"} {
			if v, ok := fields[key]; ok {
				line += fmt.Sprintf(" %s=%v", key, v)
			}
		}
		lines = append(lines, line)
	}
	return lines
}

func (b *bench) expect(t *testing.T, want ...string) {
	t.Helper()
	if got := b.lines(t); !slices.Equal(got, want) {
		t.Errorf("logged\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func (b *bench) counted(t *testing.T, want ...Count) {
	t.Helper()
	if got := b.Counts(); !slices.Equal(got, want) {
		t.Errorf("counted %v, want %v", got, want)
	}
}

func TestR10EachFailureIsOneLineAndRepeatsAreSummedUp(t *testing.T) {
	b := newBench()
	at := At{Stream: "g/s"}
	for n := range 32 {
		b.Report(uploadFailed, at, "key", n, "err", fmt.Errorf("reason %d", n), "next", "it is tried again")
	}
	b.Report(uploadFailed, At{Stream: "g/other"}, "key", "k")
	b.expect(t, "WARN upload failed stream=g/s key=0 err=reason 0 next=it is tried again",
		"WARN upload failed stream=g/other key=k")
	b.Sweep()
	b.expect(t, "WARN upload failed stream=g/s key=31 err=reason 31 next=it is tried again repeats=31")
	b.counted(t, Count{"upload", "g/other", 1}, Count{"upload", "g/s", 32})
}

func TestR10WhatStreamsShareIsOneLineAndIsCountedForEach(t *testing.T) {
	b := newBench()
	for n := range 6 {
		b.Report(uploadFailed, At{Stream: fmt.Sprintf("g/%d", n%3), Shared: "bucket"}, "key", n)
	}
	b.Report(uploadFailed, At{Stream: "g/0", Shared: "another"}, "key", "k")
	b.Report(uploadFailed, At{Stream: "g/0"}, "key", "its own")
	b.expect(t, "WARN upload failed stream=g/0 key=0", "WARN upload failed stream=g/0 key=k",
		"WARN upload failed stream=g/0 key=its own")
	b.Sweep()
	b.expect(t, "WARN upload failed stream=g/2 key=5 repeats=5")
	b.counted(t, Count{"upload", "g/0", 4}, Count{"upload", "g/1", 2}, Count{"upload", "g/2", 2})
}

func TestR10FailureThatGoesOnIsOneLineAMinute(t *testing.T) {
	b := newBench()
	at := At{Stream: "g/s"}
	b.Report(uploadFailed, at)
	b.Sweep()
	b.lines(t)
	for range 2 {
		b.Report(uploadFailed, at)
		b.Report(uploadFailed, at)
		b.expect(t)
		b.Sweep()
		b.expect(t, "WARN upload failed stream=g/s repeats=2")
	}
}

func TestR10FailureAfterAQuietMinuteIsLoggedAtOnce(t *testing.T) {
	b := newBench()
	b.Report(uploadFailed, At{})
	b.Sweep()
	b.Sweep()
	b.lines(t)
	b.Report(uploadFailed, At{})
	b.expect(t, "WARN upload failed")
}

func TestR10ConditionIsLoggedWhenItBeginsAndWhenItEnds(t *testing.T) {
	b := newBench()
	at := At{Subject: "http://ems"}
	b.End(silent, at)
	b.Begin(silent, at, "err", errors.New("refused"), "next", "it is asked again")
	b.now = b.now.Add(90 * time.Second)
	b.Begin(silent, at, "err", errors.New("refused"))
	b.Sweep()
	b.expect(t, "ERROR server does not answer err=refused next=it is asked again")
	b.End(silent, at)
	b.End(silent, at)
	b.expect(t, "ERROR server answers again lasted=9e+10")
	b.Begin(silent, at)
	b.expect(t, "ERROR server does not answer")
	b.counted(t, Count{"server_silent", "", 2})
}

func TestR10ConditionOfFailuresCountsEachAndLogsTheFirst(t *testing.T) {
	b := newBench()
	refused := silent
	refused.Each = true
	for range 3 {
		b.Begin(refused, At{Stream: "g/s"})
	}
	b.Sweep()
	b.expect(t, "ERROR server does not answer stream=g/s")
	b.counted(t, Count{"server_silent", "g/s", 3})
}

func TestConditionsOfSeveralSubjectsAreToldApart(t *testing.T) {
	b := newBench()
	b.Begin(silent, At{Subject: "a"})
	b.Begin(silent, At{Subject: "b"})
	b.With("root", "/r").Begin(silent, At{Subject: "a"})
	b.expect(t, "ERROR server does not answer", "ERROR server does not answer", "ERROR server does not answer root=/r")
	b.End(silent, At{Subject: "a"})
	b.expect(t, "ERROR server answers again lasted=0")
	b.With("root", "/r").End(silent, At{Subject: "a"})
	b.expect(t, "ERROR server answers again root=/r lasted=0")
	b.counted(t, Count{"server_silent", "", 3})
}

func TestConditionsThatHoldAreCountedByKind(t *testing.T) {
	b := newBench()
	b.Begin(silent, At{Subject: "a"})
	b.Begin(silent, At{Subject: "b"})
	b.Begin(silent, At{Subject: "b"})
	b.Begin(unlisted, At{})
	b.Begin(unlisted, At{Subject: "other"})
	b.End(silent, At{Subject: "a"})
	b.Forget(unlisted, At{Subject: "other"})
	if got, want := b.Holding(), map[string]int{"server_silent": 1, "unlisted": 1}; !maps.Equal(got, want) {
		t.Errorf("these hold: %v, want %v", got, want)
	}
}

func TestConditionWithoutARecoveryEndsInSilence(t *testing.T) {
	b := newBench()
	b.Begin(unlisted, At{})
	b.End(unlisted, At{})
	b.Begin(silent, At{})
	b.Forget(silent, At{})
	b.End(silent, At{})
	b.expect(t, "WARN store cannot list", "ERROR server does not answer")
}

func TestSweepOfAReporterServesThoseWithItsAttributes(t *testing.T) {
	b := newBench()
	derived := b.With("root", "/r")
	derived.Report(uploadFailed, At{})
	derived.Report(uploadFailed, At{})
	b.Sweep()
	b.expect(t, "WARN upload failed root=/r", "WARN upload failed root=/r repeats=1")
}

func TestR8LinesOfOneKindAreBounded(t *testing.T) {
	b := newBench()
	storm := func() {
		for n := range 3 * maxLines {
			b.Report(uploadFailed, At{Subject: fmt.Sprint(n)})
			b.Begin(silent, At{Subject: fmt.Sprint(n)})
		}
	}
	storm()
	if n := len(b.lines(t)); n != 2*maxLines {
		t.Errorf("%d lines at once, want %d of each kind", n, maxLines)
	}
	b.Sweep()
	lines := b.lines(t)
	if n := len(lines); n != maxLines+2 {
		t.Errorf("%d lines at the sweep, want %d failures and the rest of two kinds", n, maxLines)
	}
	if want := []string{
		fmt.Sprintf("WARN more trouble of one kind than is logged next=it is only counted; the lines before this one are examples"+
			" kind=server_silent count=%d", 2*maxLines),
		fmt.Sprintf("WARN more trouble of one kind than is logged next=it is only counted; the lines before this one are examples"+
			" kind=upload count=%d", maxLines),
	}; !slices.Equal(lines[len(lines)-2:], want) {
		t.Errorf("the last lines are %q, want %q", lines[len(lines)-2:], want)
	}
	b.counted(t, Count{"server_silent", "", 3 * maxLines}, Count{"upload", "", 3 * maxLines})
	for n := range 3 * maxLines {
		b.End(silent, At{Subject: fmt.Sprint(n)})
	}
	if n := len(b.lines(t)); n != maxLines {
		t.Errorf("%d recoveries are logged, want those of the %d conditions that were", n, maxLines)
	}
}

func TestR8MemoryIsBounded(t *testing.T) {
	b := newBench()
	long := strings.Repeat("é", 1000)
	for n := range maxConditions + maxFailures {
		b.Report(uploadFailed, At{Stream: fmt.Sprint(n, long)}, "err", long)
		b.Report(uploadFailed, At{Stream: fmt.Sprint(n, long)}, "err", long)
		b.Begin(unlisted, At{Subject: fmt.Sprint(n)})
		if n%maxLines == 0 {
			b.log.Reset()
		}
	}
	if n := len(b.failures.byKey); n != maxFailures {
		t.Errorf("%d failures are remembered, want %d", n, maxFailures)
	}
	if n := len(b.conditions.byKey); n != maxConditions {
		t.Errorf("%d conditions are remembered, want %d", n, maxConditions)
	}
	if n := len(b.counts.told.byKey); n != maxCounts {
		t.Errorf("%d counters, want %d", n, maxCounts)
	}
	for _, f := range b.failures.all() {
		for _, a := range f.again.attrs {
			if n := len(a.Value.String()); n > maxValue+len("…") {
				t.Fatalf("%d bytes are kept of %s, want at most %d", n, a.Key, maxValue)
			}
		}
	}
	var sum uint64
	for _, c := range b.Counts() {
		if len(c.Stream) > maxStream+len("…") {
			t.Fatalf("the label of a counter has %d bytes, want at most %d", len(c.Stream), maxStream)
		}
		sum += c.Times
	}
	if want := uint64(3 * (maxConditions + maxFailures)); sum != want {
		t.Errorf("the counts are %d in sum, want %d", sum, want)
	}
}

// Of what is remembered, that goes first which was not used for longest.
func TestLeastRecentTroubleIsForgottenFirst(t *testing.T) {
	b := newBench()
	b.Begin(silent, At{Subject: "used"})
	b.Begin(silent, At{Subject: "unused"})
	for n := range maxConditions - 1 {
		b.Begin(silent, At{Subject: "used"})
		b.Begin(unlisted, At{Subject: fmt.Sprint(n)})
	}
	b.log.Reset()
	b.End(silent, At{Subject: "used"})
	b.End(silent, At{Subject: "unused"})
	b.expect(t, "ERROR server answers again lasted=0")
}

// What is counted for a line that sums up is logged even if the failure is forgotten before the
// sweep.
func TestRepeatsOfAForgottenFailureAreLogged(t *testing.T) {
	b := newBench()
	b.Report(uploadFailed, At{Subject: "first"})
	b.Report(uploadFailed, At{Subject: "first"})
	for n := range maxFailures {
		b.Report(Failure{"other", slog.LevelDebug, "other"}, At{Subject: fmt.Sprint(n)})
	}
	b.log.Reset()
	b.Sweep()
	if lines := b.lines(t); !slices.ContainsFunc(lines, func(l string) bool { return strings.HasSuffix(l, "kind=upload count=1") }) {
		t.Errorf("logged %q", lines)
	}
}

func TestReporterIsSafeForConcurrentUse(t *testing.T) {
	r := New(slog.New(slog.DiscardHandler), time.Now)
	var calls sync.WaitGroup
	for g := range 8 {
		calls.Go(func() {
			derived := r.With("root", g)
			for n := range 200 {
				at := At{Stream: fmt.Sprint(n % 7)}
				derived.Report(uploadFailed, at, "err", errors.New("refused"))
				derived.Begin(silent, at)
				derived.End(silent, at)
				r.Sweep()
				r.Counts()
			}
		})
	}
	calls.Wait()
	var failures uint64
	for _, c := range r.Counts() {
		if c.Kind == uploadFailed.Kind {
			failures += c.Times
		}
	}
	if want := uint64(8 * 200); failures != want {
		t.Errorf("%d failures are counted, want %d", failures, want)
	}
}

// A log that blocks delays only the goroutine that logs.
func TestCountsCanBeReadWhileALogBlocks(t *testing.T) {
	h := blocking{begun: make(chan struct{}), goOn: make(chan struct{})}
	r := New(slog.New(h), time.Now)
	var logging sync.WaitGroup
	logging.Go(func() { r.Report(uploadFailed, At{}) })
	<-h.begun
	if got, want := r.Counts(), []Count{{"upload", "", 1}}; !slices.Equal(got, want) {
		t.Errorf("counted %v, want %v", got, want)
	}
	close(h.goOn)
	logging.Wait()
}

type blocking struct{ begun, goOn chan struct{} }

func (b blocking) Enabled(context.Context, slog.Level) bool { return true }
func (b blocking) Handle(context.Context, slog.Record) error {
	close(b.begun)
	<-b.goOn
	return nil
}
func (b blocking) WithAttrs([]slog.Attr) slog.Handler { return b }
func (b blocking) WithGroup(string) slog.Handler      { return b }

type secret string

func (secret) LogValue() slog.Value { return slog.StringValue("hidden") }

func TestSecretsInAttributesAreNotKept(t *testing.T) {
	b := newBench()
	b.Report(uploadFailed, At{}, "key", secret("s3cret"))
	b.Report(uploadFailed, At{}, "key", secret("s3cret"))
	b.Sweep()
	b.expect(t, "WARN upload failed key=hidden", "WARN upload failed key=hidden repeats=1")
}
