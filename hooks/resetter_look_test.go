package hooks

import (
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"ems-sidecar/config"
	"ems-sidecar/emsapi"
	"ems-sidecar/internal/trouble"
)

// A stream of the looks below: its packets of audio at each of them.
type looked struct {
	stream  emsapi.Stream
	packets []uint64
	video   []uint64
}

func inbound(name string) emsapi.Stream {
	return emsapi.Stream{
		ID: 7, ProcessID: 1, Name: name, Type: "INR", FarIP: "192.0.2.7",
		Audio: emsapi.Feed{Codec: "AAAC"}, Video: emsapi.Feed{Codec: "VH264"},
	}
}

func with(s emsapi.Stream, change func(*emsapi.Stream)) emsapi.Stream {
	change(&s)
	return s
}

func TestOnlyATranscodeWhoseFeedExistedAndStandsStillIsReset(t *testing.T) {
	noCodec := func(s *emsapi.Stream) { s.Audio.Codec = "AUNK" }
	for name, c := range map[string]struct {
		looked
		settings config.Resetter
		every    time.Duration // between the looks
		reset    int           // the look at which it is reset, from 1; 0: never
		feeds    string
	}{
		"a transcode of EMS":            {looked: looked{stream: inbound("out"), packets: []uint64{5, 9, 9, 9}}, every: 10 * time.Second, reset: 3, feeds: "audio"},
		"looks that are too near":       {looked: looked{stream: inbound("out"), packets: []uint64{9, 9, 9, 9}}, every: 4 * time.Second, reset: 4, feeds: "audio"},
		"it goes on":                    {looked: looked{stream: inbound("out"), packets: []uint64{5, 6, 7, 8}}, every: 10 * time.Second},
		"slowly":                        {looked: looked{stream: inbound("out"), packets: []uint64{5, 5, 6, 6, 7, 7}}, every: 6 * time.Second},
		"it never had sound":            {looked: looked{stream: inbound("out"), packets: []uint64{0, 0, 0, 0}}, every: 10 * time.Second},
		"its codec is unknown":          {looked: looked{stream: with(inbound("out"), noCodec), packets: []uint64{1, 1, 1, 1}}, every: 10 * time.Second},
		"a camera":                      {looked: looked{stream: inbound("cam"), packets: []uint64{9, 9, 9, 9}}, every: 10 * time.Second},
		"a camera, named":               {looked: looked{stream: inbound("my-cam-1"), packets: []uint64{9, 9, 9}}, settings: config.Resetter{Token: "cam"}, every: 10 * time.Second, reset: 2, feeds: "audio"},
		"another name than the token":   {looked: looked{stream: inbound("Cam"), packets: []uint64{9, 9, 9}}, settings: config.Resetter{Token: "cam"}, every: 10 * time.Second},
		"video":                         {looked: looked{stream: inbound("out"), packets: []uint64{1, 2, 3}, video: []uint64{4, 4, 4}}, settings: config.Resetter{Video: true}, every: 10 * time.Second, reset: 2, feeds: "video"},
		"video, which is not asked for": {looked: looked{stream: inbound("out"), packets: []uint64{1, 2, 3}, video: []uint64{4, 4, 4}}, every: 10 * time.Second},
		"both":                          {looked: looked{stream: inbound("out"), packets: []uint64{1, 1, 1}, video: []uint64{4, 4, 4}}, settings: config.Resetter{Video: true}, every: 10 * time.Second, reset: 2, feeds: "audio+video"},
		"FLV over TCP from this host":   {looked: looked{stream: with(inbound("x"), func(s *emsapi.Stream) { s.Type, s.FarIP = "INLFLV", "127.0.0.1" }), packets: []uint64{9, 9}}, every: 10 * time.Second, reset: 2, feeds: "audio"},
		"FLV over TCP from elsewhere":   {looked: looked{stream: with(inbound("x"), func(s *emsapi.Stream) { s.Type = "INLFLV" }), packets: []uint64{9, 9}}, every: 10 * time.Second},
		"what a balancer pulls": {looked: looked{stream: with(inbound("out"), func(s *emsapi.Stream) {
			s.Pull = &emsapi.Pull{Variables: emsapi.Variables{originVariable: "192.0.2.1"}}
		}), packets: []uint64{9, 9}}, every: 10 * time.Second},
		"an outbound stream of that name": {looked: looked{stream: with(inbound("out"), func(s *emsapi.Stream) { s.Type = "ONR" }), packets: []uint64{9, 9}}, every: 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			r := newResetter(nil, &c.settings, quiet("TranscodeResetter"))
			now, found, feeds := time.Unix(0, 0), 0, ""
			for i, n := range c.packets {
				s := c.stream
				s.Audio.Packets = n
				if c.video != nil {
					s.Video.Packets = c.video[i]
				}
				v := &view{asked: now, streams: []emsapi.Stream{s}, config: emsapi.Config{Process: []emsapi.Process{{Targets: []string{"out"}}}}}
				if stuck, _ := r.look(v, false, now); len(stuck) > 0 && found == 0 {
					found, feeds = i+1, stuck[0].feeds
				}
				now = now.Add(c.every)
			}
			if found != c.reset || feeds != c.feeds {
				t.Errorf("reset at look %d because of %q, want look %d, %q", found, feeds, c.reset, c.feeds)
			}
		})
	}
}

// After a restart of the server, another stream has the id.
func TestALookAtAnotherStreamIsNoSecondLook(t *testing.T) {
	r := newResetter(nil, &config.Resetter{Token: "out"}, quiet("TranscodeResetter"))
	now := time.Unix(0, 0)
	for process := range int64(4) {
		s := inbound("out")
		s.ProcessID, s.Audio.Packets = process, 9
		if stuck, _ := r.look(&view{asked: now, streams: []emsapi.Stream{s}}, true, now); len(stuck) > 0 {
			t.Fatalf("reset by one look: %+v", stuck)
		}
		now = now.Add(time.Minute)
	}
	if len(r.streams) != 1 {
		t.Errorf("%d streams are remembered", len(r.streams))
	}
}

func TestResetsHaveALimitForEachNameAndForAll(t *testing.T) {
	r := newResetter(nil, &config.Resetter{}, quiet("TranscodeResetter"))
	now := time.Unix(0, 0)
	done := func(name string) bool {
		if r.rate(name, now) > 0 {
			return false
		}
		r.resets = append(r.resets, reset{name, now})
		return true
	}
	if !done("a") || done("a") || !done("b") {
		t.Error("one name is reset twice, or holds another up")
	}
	now = now.Add(resetWindow - time.Second)
	if done("a") {
		t.Error("it is reset twice within a minute")
	}
	now = now.Add(time.Second)
	n := 0
	for i := range 10 * maxResets {
		if done(string(rune('A' + i))) {
			n++
		}
	}
	if n != maxResets {
		t.Errorf("%d resets in a minute", n)
	}
	if now = now.Add(resetWindow); !done("A") || len(r.resets) != 1 {
		t.Errorf("%d resets are remembered", len(r.resets))
	}
}

// quiet returns a diary of a plugin whose log no one reads.
func quiet(plugin string) *diary {
	log := slog.New(slog.DiscardHandler)
	return newDiary(plugin, log, trouble.New(log, time.Now), new(atomic.Uint64))
}
