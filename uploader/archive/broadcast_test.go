package archive

import (
	"fmt"
	"path"
	"strings"
	"testing"
	"time"

	"ems-sidecar/hls"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// A live is a live playlist as a server writes it and the daemon publishes it.
type live struct {
	t      *testing.T
	now    time.Time
	run    string
	n      int // segments of the run
	window int
	list   []string // lines of the listed segments
	keys   []string // that are in effect for them
	number int      // of the first listed one
	discs  int      // that have left the window
	chunks map[string]Chunk
	key    string // of encryption; empty: there is none
	size   int64  // of a chunk
	target int
	ended  bool
	tear   bool
	bytes  int64 // of all chunks
	names  []string
}

func newLive(t *testing.T) *live {
	return &live{t: t, now: noon, run: "a", window: 6, size: 500_000, target: 2, chunks: map[string]Chunk{}}
}

// next writes a segment of so many seconds.
func (l *live) next(seconds float64) {
	l.now = l.now.Add(time.Duration(seconds * float64(time.Second)))
	l.n++
	name := fmt.Sprintf("%s_%d.ts", l.run, l.n)
	text := fmt.Sprintf("#EXTINF:%.3f,\n%s\n", seconds, name)
	if n := len(l.keys); n > 0 && l.keys[n-1] != l.key {
		text = keyLine(l.key) + text
	}
	if l.tear {
		text, l.tear = "#EXT-X-DISCONTINUITY\n"+text, false
	}
	l.list, l.keys = append(l.list, text), append(l.keys, l.key)
	for len(l.list) > l.window {
		if strings.Contains(l.list[0], "DISCONTINUITY") {
			l.discs++
		}
		l.list, l.keys, l.number = l.list[1:], l.keys[1:], l.number+1
	}
	l.chunks[name] = Chunk{Closed: l.now, Size: l.size}
	delete(l.chunks, fmt.Sprintf("%s_%d.ts", l.run, l.n-l.window-1))
	l.bytes += l.size
	l.names = append(l.names, name)
}

func keyLine(key string) string { return fmt.Sprintf("#EXT-X-KEY:METHOD=AES-128,URI=\"%s\"\n", key) }

// reconnect has the encoder be away.
func (l *live) reconnect(away time.Duration) {
	l.now, l.run, l.n, l.tear = l.now.Add(away), l.run+"b", 0, true
}

func (l *live) text() string {
	head := fmt.Sprintf("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:%d\n#EXT-X-MEDIA-SEQUENCE:%d\n", l.target, l.number)
	if l.discs > 0 {
		head += fmt.Sprintf("#EXT-X-DISCONTINUITY-SEQUENCE:%d\n", l.discs)
	}
	if l.keys[0] != "" && !strings.Contains(l.list[0], "KEY") {
		head += keyLine(l.keys[0])
	}
	end := ""
	if l.ended {
		end = "#EXT-X-ENDLIST\n"
	}
	return head + strings.Join(l.list, "") + end
}

func (l *live) version() Version {
	l.t.Helper()
	list, err := hls.Parse([]byte(l.text()))
	if err != nil {
		l.t.Fatal(err)
	}
	return Version{List: list, Chunks: l.chunks, At: l.now}
}

// A shelf is what the bucket has of an archive.
type shelf struct {
	t       *testing.T
	objects map[string]string
	puts    int
	bytes   int64
}

func newShelf(t *testing.T) *shelf { return &shelf{t: t, objects: map[string]string{}} }

// put puts what is due.
func (s *shelf) put(b *Broadcast, now time.Time) {
	s.t.Helper()
	for {
		p, _ := b.Next(now)
		if p == nil {
			break
		}
		b.Begin(p, now)
		text, before := string(p.List.Bytes()), s.objects[p.Name.Path()]
		if !strings.HasPrefix(text, before) {
			s.t.Fatalf("%s has\n%s\nand then\n%s", p.Name.Path(), before, text)
		}
		s.objects[p.Name.Path()] = text
		s.puts++
		s.bytes += int64(len(text))
		b.Done(p)
	}
	if b.NeedsWhole() {
		if whole := Whole(s.hours()); whole != nil {
			text := string(whole.Bytes())
			s.objects[Name{Start: b.Start()}.Path()] = text
			s.puts++
			s.bytes += int64(len(text))
		}
		b.WholeDone()
	}
}

// hours returns the lists of the hours, in order.
func (s *shelf) hours() (lists []*hls.Playlist) {
	for _, l := range s.listed() {
		lists = append(lists, l.List)
	}
	return lists
}

func (s *shelf) listed() (lists []Listed) {
	for _, p := range sorted(s.objects) {
		n, ok := ParseName(p)
		if !ok {
			s.t.Fatalf("%s is the name of nothing", p)
		}
		if n.Began.IsZero() {
			continue
		}
		list, err := hls.Parse([]byte(s.objects[p]))
		if err != nil {
			s.t.Fatal(err)
		}
		lists = append(lists, Listed{n, list})
	}
	return lists
}

// named returns the files that a playlist names, below the directory of the stream.
func named(t *testing.T, p, text string) (names []string) {
	t.Helper()
	list, err := hls.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", p, err)
	}
	for _, s := range list.Segments {
		names = append(names, path.Join(path.Dir(p), s.URI))
	}
	return names
}

func TestAnHourIsAListThatOnlyGrows(t *testing.T) {
	l, s, b := newLive(t), newShelf(t), &Broadcast{}
	l.key = "1.key"
	l.now = noon.Add(58 * time.Minute)
	for range 20 {
		l.next(2)
		b.Add(l.version())
		b.Add(l.version()) // the server writes some versions twice
		s.put(b, l.now)
	}
	b.Flush()
	s.put(b, l.now)
	const name = "archive/2026-11-30T12-58-00Z/2026-11-30T12-58-00Z.m3u8"
	text := s.objects[name]
	const want = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:EVENT\n" +
		"#EXT-X-PROGRAM-DATE-TIME:2026-11-30T12:58:00.000Z\n#EXT-X-KEY:METHOD=AES-128,URI=\"../../1.key\"\n#EXTINF:2.000,\n../../a_1.ts\n" +
		"#EXTINF:2.000,\n../../a_2.ts\n"
	if !strings.HasPrefix(text, want) || len(s.objects) != 1 {
		t.Fatalf("the hour is\n%s\nand should begin\n%s", text, want)
	}
	if got := named(t, name, text); strings.Join(got, " ") != strings.Join(l.names, " ") {
		t.Errorf("it names %v", got)
	}
}

// At the full hour another list begins; the one before ends. At the end, the whole has all of them,
// with what is in effect stated where it has to be.
func TestTheWholeHasAllHours(t *testing.T) {
	l, s, b := newLive(t), newShelf(t), &Broadcast{}
	l.key, l.now = "1.key", noon.Add(59*time.Minute+50*time.Second)
	for n := range 40 {
		if n == 20 {
			l.reconnect(8 * time.Second)
			l.key = "2.key"
		}
		l.next(2)
		l.ended = n == 39
		b.Add(l.version())
		s.put(b, l.now)
	}
	if !b.IsDone() {
		t.Error("it is not done")
	}
	var names []string
	for p := range s.objects {
		names = append(names, p)
	}
	const start = "archive/2026-11-30T12-59-50Z/"
	for _, p := range []string{start + "2026-11-30T12-59-50Z.m3u8", start + "2026-11-30T13-00-00Z.m3u8", start + "playlist.m3u8"} {
		if !strings.HasSuffix(s.objects[p], "#EXT-X-ENDLIST\n") {
			t.Errorf("%s of %v is\n%s", p, names, s.objects[p])
		}
	}
	second := s.objects[start+"2026-11-30T13-00-00Z.m3u8"]
	if !strings.Contains(second, "#EXT-X-MEDIA-SEQUENCE:5\n") || !strings.Contains(second,
		"#EXT-X-PROGRAM-DATE-TIME:2026-11-30T13:00:00.000Z\n#EXT-X-KEY:METHOD=AES-128,URI=\"../../1.key\"\n#EXTINF:2.000,\n../../a_6.ts") {
		t.Errorf("the second hour is\n%s", second)
	}
	if !strings.Contains(second, "#EXT-X-PROGRAM-DATE-TIME:2026-11-30T13:00:38.000Z\n#EXT-X-DISCONTINUITY\n#EXT-X-KEY:METHOD=AES-128,URI=\"../../2.key\"\n#EXTINF:2.000,\n../../ab_1.ts") {
		t.Errorf("the seam is not in\n%s", second)
	}
	whole := s.objects[start+"playlist.m3u8"]
	if got := named(t, start+"playlist.m3u8", whole); strings.Join(got, " ") != strings.Join(l.names, " ") ||
		!strings.Contains(whole, "#EXT-X-PLAYLIST-TYPE:VOD\n") || strings.Count(whole, "#EXT-X-DISCONTINUITY\n") != 1 {
		t.Errorf("the whole is\n%s", whole)
	}
}

// Where the names show that segments were passed over, there is a seam.
func TestAHoleIsASeam(t *testing.T) {
	l, s, b := newLive(t), newShelf(t), &Broadcast{}
	l.next(2)
	b.Add(l.version())
	for range 10 {
		l.next(2)
	}
	if got := b.Add(l.version()); !got.Hole || got.Segments != 6 {
		t.Errorf("what was added is %+v", got)
	}
	b.Flush()
	s.put(b, l.now)
	for _, text := range s.objects {
		if !strings.Contains(text, "a_1.ts\n#EXT-X-PROGRAM-DATE-TIME:2026-11-30T12:00:10.000Z\n#EXT-X-DISCONTINUITY\n#EXTINF:2.000,\n../../a_6.ts") {
			t.Errorf("the hour is\n%s", text)
		}
	}
	for range 6 { // the window moves on by just its length
		l.next(2)
	}
	if got := b.Add(l.version()); got.Hole || got.Segments != 6 {
		t.Errorf("what was added then is %+v", got)
	}
}

// Clocks jump. Times are stated again where they are off, and do not go back.
func TestTimesFollowTheClock(t *testing.T) {
	l, b := newLive(t), &Broadcast{}
	at := func(jump time.Duration) time.Time {
		l.now = l.now.Add(jump)
		l.next(2)
		b.Add(l.version())
		times := b.part.list.Times()
		return times[len(times)-1]
	}
	start := at(0)
	for _, c := range []struct {
		jump, want time.Duration
		what       string
	}{
		{500 * time.Millisecond, 2 * time.Second, "a late closing"},
		{-500 * time.Millisecond, 4 * time.Second, "one in time"},
		{3 * time.Second, 9 * time.Second, "a stop"},
		{-3 * time.Second, 8 * time.Second, "a correction"},
		{-10 * time.Minute, 10 * time.Second, "a clock that goes back"},
	} {
		if got := at(c.jump).Sub(start); got != c.want {
			t.Errorf("%s: the segment begins at %v, want %v", c.what, got, c.want)
		}
	}
}

// A server's own times stay as they are.
func TestTheServersTimesStay(t *testing.T) {
	const text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-PROGRAM-DATE-TIME:2026-11-30T11:00:00.5+01:00\n#EXTINF:2,\na_1.ts\n#EXTINF:2,\na_2.ts\n"
	list, err := hls.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var b Broadcast
	b.Add(Version{List: list, Chunks: map[string]Chunk{"a_1.ts": {Closed: noon}}, At: noon})
	if got := string(b.part.list.Bytes()); !strings.Contains(got, "#EXT-X-PROGRAM-DATE-TIME:2026-11-30T11:00:00.5+01:00\n#EXTINF:2,\n../../a_1.ts\n#EXTINF:2,\n../../a_2.ts\n") {
		t.Errorf("the hour is\n%s", got)
	}
	if !b.Start().Equal(time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)) {
		t.Errorf("it began at %v", b.Start())
	}
}

// Of an hour that is in the bucket, the broadcast goes on where it stopped.
func TestABroadcastIsResumed(t *testing.T) {
	l, s, b := newLive(t), newShelf(t), &Broadcast{}
	l.key = "1.key"
	for range 10 {
		l.next(2)
		b.Add(l.version())
	}
	b.Flush()
	s.put(b, l.now)
	last := s.listed()[0]
	b = Resume(last.Name, last.List)
	if uri, end := b.Last(); uri != "a_10.ts" || !end.Equal(l.now) {
		t.Errorf("it stopped at %s, %v", uri, end)
	}
	for range 3 {
		l.next(2)
	}
	if got := b.Add(l.version()); got.Hole || got.Segments != 3 {
		t.Errorf("what was added is %+v", got)
	}
	b.Flush()
	s.put(b, l.now) // which tests that it only grows
	for p, text := range s.objects {
		if got := named(t, p, text); strings.Join(got, " ") != strings.Join(l.names, " ") {
			t.Errorf("it names %v", got)
		}
		if strings.Count(text, "KEY") != 1 || strings.Count(text, "DATE-TIME") != 1 {
			t.Errorf("what is in effect is stated again:\n%s", text)
		}
	}
}

// The target duration of a playlist must not change.
func TestALongerTargetDurationBeginsAnotherList(t *testing.T) {
	l, s, b := newLive(t), newShelf(t), &Broadcast{}
	l.next(2)
	b.Add(l.version())
	l.target = 4
	l.next(4)
	b.Add(l.version())
	b.Flush()
	s.put(b, l.now)
	if len(s.objects) != 2 {
		t.Errorf("the bucket has %v", sorted(s.objects))
	}
}

func TestWhatCannotBePutForLongIsDropped(t *testing.T) {
	l, b := newLive(t), &Broadcast{}
	for range maxFull + 3 {
		l.next(2)
		b.Add(l.version())
		l.now = l.now.Add(time.Hour)
	}
	if len(b.full) != maxFull || b.Lost() != 2 {
		t.Errorf("%d hours wait, %d segments are lost", len(b.full), b.Lost())
	}
}

// A new run with the next number follows, without a segment of the one before in its list: a seam is no
// hole.
func TestARunWithTheNextNumberIsNoHole(t *testing.T) {
	l, s, b := newLive(t), newShelf(t), &Broadcast{}
	l.next(2)
	l.next(2)
	b.Add(l.version())
	l.reconnect(time.Minute)
	l.next(2)
	l.list, l.keys, l.number = l.list[2:], l.keys[2:], 2
	v := l.version()
	if !b.Follows(v) {
		t.Error("it does not follow")
	}
	if got := b.Add(v); got.Hole || got.Segments != 1 {
		t.Errorf("what was added is %+v", got)
	}
	b.Flush()
	s.put(b, l.now)
	for _, text := range s.objects {
		if strings.Count(text, "#EXT-X-DISCONTINUITY\n") != 1 {
			t.Errorf("the hour is\n%s", text)
		}
	}
	l.next(2)
	l.list, l.keys, l.number = l.list[1:], l.keys[1:], 9
	l.run, l.n = "x", 7
	l.next(2)
	l.list, l.keys, l.number = l.list[1:], l.keys[1:], 10
	if b.Follows(l.version()) {
		t.Error("a later number follows")
	}
}
