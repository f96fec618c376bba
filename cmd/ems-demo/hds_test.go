package main

import (
	"bytes"
	"context"
	"os"
	"path"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestHDSKeepsPaceAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := newTestHDSLoop(t)
		root := t.TempDir()
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var closed []string
		result := make(chan error, 1)
		s := hdsStream{l}

		go func() {
			result <- s.play(ctx, stage{root: root, speed: 1, closing: func(key string) { closed = append(closed, key) }})
		}()
		// Half of the ninth fragment, which is the second of the second round.
		time.Sleep(time.Duration(l.at(8)-l.at(0)+l.fragments[1].lasts/2) * time.Millisecond)
		synctest.Wait()

		if len(closed) != 8 {
			t.Fatalf("%d fragments are closed, want 8: %v", len(closed), closed)
		}
		dir := filepath.Join(root, groupName, streamName)
		open, err := os.Stat(filepath.Join(dir, "f4vSeg1-Frag9"))
		if err != nil {
			t.Fatal(err)
		}
		if whole := int64(len(l.fragments[1].content)); open.Size() < whole*40/100 || open.Size() > whole*60/100 {
			t.Errorf("after half of its time a fragment has %d of %d bytes", open.Size(), whole)
		}
		bootstrap := filepath.Join(dir, "bootstrap")
		if got, err := os.ReadFile(bootstrap); err != nil || !bytes.Equal(got, l.bootstrap(7)) {
			t.Errorf("the bootstrap file is not that of fragment 8 (%v):\n% x, want\n% x", err, got, l.bootstrap(7))
		}

		stop()
		if err := <-result; err != nil {
			t.Fatal(err)
		}
		o := s.output()
		content, err := os.ReadFile(bootstrap)
		if err != nil {
			t.Fatal(err)
		}
		m, err := o.parse(o.index, content)
		if err != nil {
			t.Fatal(err)
		}
		if !m.Ended || m.Sequence != 5 || m.Last != 9 {
			t.Errorf("the last bootstrap lists %d to %d, and ended is %v; want 5 to 9 and an end", m.Sequence, m.Last, m.Ended)
		}
		for i, key := range named(o.index, m) {
			got, err := os.ReadFile(filepath.Join(root, key))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, l.fragment(4+i).content) {
				t.Errorf("%s is not fragment %d of the stream", key, 5+i)
			}
			if !slices.Contains(closed, key) {
				t.Errorf("the closing of %s was not told", key)
			}
		}
		manifests, err := o.manifests(root)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"manifest.f4m", "manifest_v1.f4m", "live1/live1.f4m", "live1/bootstrap"} {
			if manifests[path.Join(groupName, name)] == nil {
				t.Errorf("%s is missing", name)
			}
		}
		if len(manifests) != 4 {
			t.Errorf("%d manifests, want 4", len(manifests))
		}
	})
}
