package trouble

import (
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"
)

func TestConditionsOfAPartAreForgottenTogether(t *testing.T) {
	b := newBench()
	for range 10 {
		b.Part()
	}
	first, second := b.Part(), b.Part()
	for _, r := range []*Reporter{b.Reporter, b.With("root", "/a"), b.With("root", "/ab"), first, first.With("root", "/a"), second} {
		r.Begin(silent, At{})
	}
	b.expect(t, "ERROR server does not answer", "ERROR server does not answer root=/a", "ERROR server does not answer root=/ab",
		"ERROR server does not answer", "ERROR server does not answer root=/a", "ERROR server does not answer")
	holding := func(want int) {
		t.Helper()
		if got := b.Holding(); !maps.Equal(got, map[string]int{"server_silent": want}) {
			t.Errorf("%v, want %d", got, want)
		}
	}
	first.ForgetAll()
	holding(4)
	b.With("root", "/a").ForgetAll()
	holding(3)
	first.Begin(silent, At{})
	b.expect(t, "ERROR server does not answer")
}

func TestR8EventsOfFailuresThatAreOverAreBounded(t *testing.T) {
	b := newBench()
	for n := range maxFailures {
		b.Report(uploadFailed, At{Subject: fmt.Sprint(n)})
		b.Report(uploadFailed, At{Subject: fmt.Sprint(n)})
	}
	b.Sweep()
	events := b.listen()
	b.Sweep()
	if n := len(*events); n != maxLines+1 {
		t.Fatalf("%d events, want %d and one of the rest", n, maxLines)
	}
	last := (*events)[maxLines]
	if last.Kind != "upload" || !strings.HasPrefix(last.Text, fmt.Sprint(maxFailures-maxLines, " more failures ")) {
		t.Errorf("the last one is %+v", last)
	}
}

func TestNoticeForDebuggingIsNoEvent(t *testing.T) {
	b := newBench()
	events := b.listen()
	b.Note(Notice{Kind: "action", Level: slog.LevelDebug, Message: "looked"}, At{})
	expectEvents(t, events)
}
