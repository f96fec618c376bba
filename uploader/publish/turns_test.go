package publish

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"ems-sidecar/media"
)

// After a start, all streams below a master playlist have something to upload. Others do not wait for
// them.
func TestR9ManyStreamsOfOneDirectoryTakeTheTurnsOfOne(t *testing.T) {
	now := time.Now()
	s := New(Settings{Workers: 1, BulkWorkers: 1, Began: now, Jitter: func(d time.Duration) time.Duration { return d }})
	src := s.Add("/root", hlsLayout, &Destination{}, false)
	closed := func(p string) {
		s.Closed(src, p, media.Version{Size: 9, ModTime: now, Inode: 1}, false, nil, now)
	}
	for i := range 100 {
		closed(fmt.Sprintf("wide/%d/1.ts", i))
	}
	var order []string
	turn := func() {
		j, ok := s.Next(now)
		if !ok {
			t.Fatalf("nothing is done after %q", order)
		}
		order = append(order, j.Path)
		now = now.Add(time.Millisecond)
		s.Done(Result{Job: j, Bytes: 9, Took: time.Millisecond}, now)
	}
	turn()
	closed("a/s/1.ts")
	closed("b/s/1.ts")
	for range 3 {
		turn()
	}
	closed("a/s/2.ts")
	closed("a/s/3.ts")
	for range 4 {
		turn()
	}
	closed("late/s/1.ts") // takes no turns for the time in which it had nothing to do
	closed("late/s/2.ts")
	for range 3 {
		turn()
	}
	want := []string{"wide/0/1.ts", "a/s/1.ts", "b/s/1.ts", "wide/1/1.ts", "a/s/2.ts", "wide/2/1.ts", "a/s/3.ts", "wide/3/1.ts",
		"late/s/1.ts", "wide/4/1.ts", "late/s/2.ts"}
	if !slices.Equal(order, want) {
		t.Errorf("the order is %q,\nwant %q", order, want)
	}
}

// Streams that always have something to do share the turns of their directory, and each directory has
// as many as the others.
func TestR9EachDirectoryHasAsManyTurns(t *testing.T) {
	src := &Source{layout: hlsLayout}
	sizes := map[string]int{"alone": 1, "few": 3, "many": 50}
	var all turns
	for dir, n := range sizes {
		for i := range n {
			all.join(&stream{streamKey: streamKey{src: src, name: fmt.Sprintf("%s/%d", dir, i)}, turn: turn{state: hasChoice}})
		}
	}
	const rounds = 200
	had := map[string]int{}
	for range rounds * len(sizes) * 50 {
		st := all.next(func(*stream) bool { return true })
		had[st.name]++
		all.join(st)
	}
	for dir, n := range sizes {
		for i := range n {
			name := fmt.Sprintf("%s/%d", dir, i)
			if want := rounds * 50 / n; had[name] < want-1 || had[name] > want+1 {
				t.Errorf("%s had %d turns, want %d", name, had[name], want)
			}
		}
	}
}

func TestR8DirectoriesThatHadTheirTurnsAreForgotten(t *testing.T) {
	src := &Source{layout: hlsLayout}
	var all turns
	for n := range 10_000 {
		all.join(&stream{streamKey: streamKey{src: src, name: fmt.Sprintf("%d/s", n)}, turn: turn{state: hasChoice}})
		all.join(&stream{streamKey: streamKey{src: src, name: fmt.Sprintf("%d/t", n)}, turn: turn{state: hasChoice}})
		for all.next(func(*stream) bool { return true }) != nil {
		}
	}
	if n := len(all.last); n > fewDirectories+2 {
		t.Errorf("%d are remembered", n)
	}
}
