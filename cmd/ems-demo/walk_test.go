package main

import (
	"bytes"
	"net/http"
	"path"
	"strconv"
	"strings"
	"testing"
	"time"

	"ems-sidecar/media"
)

// An hdsWalk goes through the HDS stream in the bucket as a player does: from the F4M to the
// bootstrap to the fragments. It does not know what they are called before it reads so.
type hdsWalk struct {
	entry string // URL
	loop  *hdsLoop
	clock tagClock

	next  int // the fragment that the clock waits for; 0 before the first
	walks int
	read  int // fragments
	seams int // between rounds of the recording, of which both sides were read
}

// once walks from the manifest to the fragments once, and checks each listed fragment: it exists,
// has its final bytes, and its times continue those of the fragment before.
func (w *hdsWalk) once(t *testing.T) {
	t.Helper()
	set, err := media.ParseF4M(w.get(t, w.entry))
	if err != nil || !set.Set {
		t.Fatalf("%s: no set of streams (%v)", w.entry, err)
	}
	for child := range set.References() {
		dir, _ := path.Split(strings.TrimPrefix(w.entry, "http://"))
		single := "http://" + path.Join(dir, child.URI)
		m, err := media.ParseF4M(w.get(t, single))
		if err != nil || len(m.Media) != 1 {
			t.Fatalf("%s: no media (%v)", single, err)
		}
		dir, _ = path.Split(strings.TrimPrefix(single, "http://"))
		bootstrap, err := media.ParseBootstrap(w.get(t, "http://"+path.Join(dir, m.Media[0].Bootstrap)))
		if err != nil {
			t.Fatal(err)
		}
		for fragment := range bootstrap.Manifest([]string{m.Media[0].URL}).References() {
			w.fragment(t, "http://"+path.Join(dir, fragment.URI))
		}
	}
	w.walks++
}

func (w *hdsWalk) fragment(t *testing.T, url string) {
	t.Helper()
	content := w.get(t, url)
	n, err := strconv.Atoi(url[strings.LastIndex(url, "Frag")+len("Frag"):])
	if err != nil {
		t.Fatal(err)
	}
	if whole := w.loop.fragment(n - 1).content; !bytes.Equal(content, whole) {
		t.Fatalf("%s has %d bytes that are not the %d of the whole fragment", url, len(content), len(whole))
	}
	if n < w.next {
		return // known
	}
	if n > w.next { // the first one, or the walk was too slow
		w.clock = make(tagClock)
	} else if (n-1)%len(w.loop.fragments) == 0 {
		w.seams++
	}
	w.clock.check(t, content)
	w.next = n + 1
	w.read++
}

func (w *hdsWalk) get(t *testing.T, url string) []byte {
	t.Helper()
	status, content := get(t, url)
	if status != http.StatusOK {
		t.Fatalf("%s: status %d", url, status)
	}
	return content
}

func TestHDSIsPlayableFromItsManifestOn(t *testing.T) {
	t.Parallel()
	demo := startDemo(t, "hds")
	demo.waitForChunks(t, "HDS", 1)
	// The F4M of the group follows the bootstrap that lists the first one.
	playable := func() bool { status, _ := get(t, demo.streams["HDS"]); return status == http.StatusOK }
	if !patient.Within(t, 20*time.Second, "HDS: the manifest is published", playable) {
		t.FailNow()
	}
	l, _ := newTestHDSLoop(t)
	w := &hdsWalk{entry: demo.streams["HDS"], loop: l}

	half := time.NewTicker(500 * time.Millisecond)
	defer half.Stop()
	for end := time.Now().Add(playFor()); time.Now().Before(end); <-half.C {
		w.once(t)
	}

	t.Logf("%d walks through %d fragments, over %d seams of the recording, in %s", w.walks, w.read, w.seams, playFor())
	if want := int(playFor().Seconds() / 5); w.read < want {
		t.Errorf("%d fragments in %s, want %d at least", w.read, playFor(), want)
	}
}
