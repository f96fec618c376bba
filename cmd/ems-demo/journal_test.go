package main

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

const twoChunks = "#EXTM3U\r\n#EXT-X-TARGETDURATION:4\r\n#EXT-X-MEDIA-SEQUENCE:7\r\n" +
	"#EXTINF:4.000,\r\na_7.ts\r\n#EXTINF:4.000,\r\na_8.ts\r\n"

func TestJournalTellsHowFarTheBucketIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := newStore(slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		j := newJournal(s)

		j.closing("demo/live1/a_7.ts")
		time.Sleep(4 * time.Second)
		j.closing("demo/live1/a_8.ts")
		time.Sleep(30 * time.Millisecond)
		put(t, s, "demo/live1/a_7.ts", "1234")
		put(t, s, "demo/live1/a_8.ts", "12345")
		time.Sleep(20 * time.Millisecond)
		before, _, err := j.read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		put(t, s, playlistKey, twoChunks)
		after, recent, err := j.read(t.Context())
		if err != nil {
			t.Fatal(err)
		}

		if want := (status{Written: 2, Waiting: 2, InBucket: 2, BytesInBucket: 9}); before != want {
			t.Errorf("before the playlist: %+v, want %+v", before, want)
		}
		if want := (status{Written: 2, InBucket: 2, BytesInBucket: 9, MediaSequence: 7, NewestSequence: 8, LagMS: 50}); after != want {
			t.Errorf("after it: %+v, want %+v", after, want)
		}
		if len(recent) != 3 || *recent[1].LagMS != 30 || recent[1].Bytes != 5 || *recent[2].LagMS != 50 {
			t.Errorf("events: %+v", recent)
		}

		put(t, s, playlistKey, twoChunks+"#EXT-X-ENDLIST\r\n")
		put(t, s, playlistKey, twoChunks+"#EXT-X-ENDLIST\r\n") // a second one does no harm
		<-j.ended
	})
}

func TestJournalCountsWhatAPlaylistNamesTooEarly(t *testing.T) {
	s, err := newStore(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	j := newJournal(s)

	put(t, s, "demo/live1/a_7.ts", "x")
	put(t, s, playlistKey, twoChunks)

	now, _, err := j.read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if now.Missing != 1 {
		t.Errorf("%d objects are missing, want 1: a_8.ts", now.Missing)
	}
}

func TestJournalForgetsChunksOfSkippedPlaylists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := newStore(slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		j := newJournal(s)
		for _, name := range []string{"a_6.ts", "a_7.ts", "a_8.ts", "a_9.ts"} {
			j.closing("demo/live1/" + name)
			time.Sleep(4 * time.Second)
		}

		put(t, s, playlistKey, twoChunks)

		now, _, err := j.read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if now.Waiting != 1 || now.LagMS != 8000 {
			t.Errorf("%d chunks wait, lag %d ms; want a_9.ts alone and 8000 ms", now.Waiting, now.LagMS)
		}
	})
}

func TestJournalPassesOverABrokenPlaylist(t *testing.T) {
	s, err := newStore(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	j := newJournal(s)

	put(t, s, playlistKey, twoChunks[:len(twoChunks)-4])

	if now, recent, err := j.read(t.Context()); err != nil || now.NewestSequence != 0 || len(recent) != 1 {
		t.Errorf("%+v, %+v (%v)", now, recent, err)
	}
}

func TestJournalIsBounded(t *testing.T) {
	s, err := newStore(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	j := newJournal(s)

	for range 5 * recentEvents {
		put(t, s, "demo/live1/a_7.ts", "x")
	}

	if _, recent, err := j.read(t.Context()); err != nil || len(recent) != recentEvents {
		t.Errorf("%d events are kept, want %d (%v)", len(recent), recentEvents, err)
	}
}
