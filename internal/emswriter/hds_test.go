package emswriter

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The recorded fragments of live/ began at these times of the stream's clock, in ms.
var fragmentTimes = []int{
	1124, 5564, 10031, 14524, 19041, 23124, 27655, 32206, 36804, 41124, 45724, 50341, 54985, 59124, 63785, 68476, 73124,
}

func milliseconds(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// playHDS writes n fragments of 4 s, the last of which is open.
func playHDS(t *testing.T, h *HDS, n int) {
	t.Helper()
	must(t, h.Start())
	must(t, h.First(Content(6000, "1")))
	for i := range n - 1 {
		must(t, h.Next(4*time.Second, Content(6000, fmt.Sprint(i+2))))
	}
}

func TestHDSIsWrittenAsRecorded(t *testing.T) {
	tr := newTrace(t.TempDir())
	h := &HDS{
		Dir:   filepath.Join(tr.root, "hds/g/live1"),
		Begin: milliseconds(fragmentTimes[0]),
		Now:   func() time.Time { return time.Date(2026, 11, 22, 8, 9, 35, 333e6, time.UTC) },
		disk:  tr.disk(),
	}
	must(t, h.Start())
	must(t, h.First(Content(6000, "1")))
	for i, at := range fragmentTimes[1:] {
		must(t, h.Next(milliseconds(at-fragmentTimes[i]), Content(6000, fmt.Sprint(i+2))))
	}
	diff(t, tr.events, recorded(t, "live/fs-events.tsv", "^hds/"))
	sameVersions(t, tr.versions["hds/g/manifest.f4m"], "hds__g__manifest.f4m")
	sameVersions(t, tr.versions["hds/g/manifest_v1.f4m"], "hds__g__manifest_v1.f4m")
	sameVersions(t, tr.versions["hds/g/live1/live1.f4m"], "hds__g__live1__live1.f4m")
	sameVersions(t, tr.versions["hds/g/live1/bootstrap"], "hds__g__live1__bootstrap")
}

func TestHDSEndsAndComesBackAsRecorded(t *testing.T) {
	tr := newTrace(t.TempDir())
	h := &HDS{Dir: filepath.Join(tr.root, "hds_app/hdsapp/test1"), Appending: true, Cleanup: true, disk: tr.disk()}
	playHDS(t, h, 65)
	must(t, h.End(200*time.Millisecond))
	want := recorded(t, "end/fs-events.txt", "^hds_app/")
	diff(t, tail(tr.events, len(want)), want)
	sizes := map[string]int64{h.Bootstrap(): 139, h.streamManifest(): 887, h.setManifestV1(): 916}
	checkSizes(t, sizes)

	ended := len(tr.events)
	playHDS(t, h, 5)
	diff(t, tr.since(ended), recorded(t, "reconnect/fs-events.txt", "^hds_app/"))
	sizes = map[string]int64{h.Bootstrap(): 139, h.setManifest(): 210, h.streamManifest(): 893, h.setManifestV1(): 983}
	checkSizes(t, sizes)

	// Nothing grows from run to run.
	must(t, h.End(time.Second))
	checkSizes(t, map[string]int64{h.setManifest(): 210, h.streamManifest(): 887, h.setManifestV1(): 916})
}

func TestRemovedHDSIsDeletedAsRecorded(t *testing.T) {
	tr := newTrace(t.TempDir())
	h := &HDS{Dir: filepath.Join(tr.root, "hds_roll/hdsroll/test1"), disk: tr.disk()}
	playHDS(t, h, 64)
	must(t, h.Remove(2*time.Second))
	want := recorded(t, "end/fs-events.txt", "^hds_roll/")
	diff(t, tail(tr.events, len(want)), want)
	checkSizes(t, map[string]int64{h.setManifest(): 154, h.setManifestV1(): 145})
	if got := tr.versions["hds_roll/hdsroll/manifest_v1.f4m"]; len(got) != 3 || len(got[1]) != 141 {
		t.Errorf("manifest_v1.f4m was closed %d times", len(got))
	}
	if got := tr.versions["hds_roll/hdsroll/test1/test1.f4m"]; len(got) != 2 || len(got[1]) != 837 {
		t.Errorf("test1.f4m was closed %d times", len(got))
	}
}

func checkSizes(t *testing.T, want map[string]int64) {
	t.Helper()
	for name, size := range want {
		info, err := os.Stat(name)
		must(t, err)
		if info.Size() != size {
			t.Errorf("%s has %d bytes, want %d", name, info.Size(), size)
		}
	}
}

func TestEndedBootstrapIsOfTheSameSizeAndNotLive(t *testing.T) {
	for n := 1; n <= 3; n++ {
		h := &HDS{Dir: filepath.Join(t.TempDir(), "g/s")}
		playHDS(t, h, n)
		must(t, h.End(time.Second))
		got := read(t, h.Bootstrap())
		if len(got) != abstSize || strings.Contains(got, "free") {
			t.Errorf("after %d fragments the bootstrap has %d bytes: %q", n, len(got), got)
		}
		if flags := got[16]; flags&live != 0 {
			t.Errorf("after %d fragments the bootstrap has flags %x: it is live", n, flags)
		}
	}
}

func TestAppendingBootstrapListsAllFragments(t *testing.T) {
	h := &HDS{Dir: filepath.Join(t.TempDir(), "g/s"), Appending: true, Begin: time.Second}
	playHDS(t, h, 21)
	want := abst{fragments: 20, first: run{1, time.Second, 4 * time.Second}, newest: &run{20, 77 * time.Second, 4 * time.Second}}
	if got := read(t, h.Bootstrap()); got != string(want.bytes()) {
		t.Errorf("bootstrap is %q, want %q", got, want.bytes())
	}
	if got, _ := filepath.Glob(filepath.Join(h.Dir, "f4v*")); len(got) != 21 {
		t.Errorf("%d fragments on disk, want 21", len(got))
	}
}

func TestASecondStreamJoinsTheGroupsManifests(t *testing.T) {
	group := filepath.Join(t.TempDir(), "g")
	a, b := &HDS{Dir: filepath.Join(group, "a")}, &HDS{Dir: filepath.Join(group, "b"), Bitrate: 500000}
	must(t, a.Start())
	must(t, b.Start())
	want := "<media bitrate=\"198000\" href=\"a/a.f4m\"></media>\n<media href=\"b/b.f4m\" bitrate=\"500000\"></media>\n</manifest>\n"
	if got := read(t, b.setManifest()); !strings.HasSuffix(got, want) {
		t.Errorf("manifest.f4m is %q", got)
	}
	if got := read(t, b.setManifestV1()); strings.Count(got, "<media ") != 2 || strings.Count(got, "</manifest>") != 1 {
		t.Errorf("manifest_v1.f4m is %q", got)
	}
}

func TestFragmentGrowsFromADraftToItsContent(t *testing.T) {
	h := &HDS{Dir: filepath.Join(t.TempDir(), "g/s")}
	must(t, h.Start())
	content := Content(20000, "g/s run 1 fragment 1")
	must(t, h.First(content))
	name := h.Chunk()
	if got := read(t, name); len(got) != hdsHead || got == string(content[:hdsHead]) {
		t.Errorf("the fragment begins with %d bytes, want a draft of %d", len(got), hdsHead)
	}
	must(t, h.Write(1000))
	must(t, h.Write(500))
	if got := read(t, name); len(got) != hdsHead+1500 || got[hdsHead:] != string(content[hdsHead:hdsHead+1500]) {
		t.Errorf("after two frames the fragment has %d bytes", len(got))
	}
	if got := read(t, name)[hdsHead-mdatHeader : hdsHead-4]; got != "\x00\x00\x00\x08" {
		t.Errorf("mdat's size is %x before the end, want 8", got)
	}
	must(t, h.Next(4*time.Second, Content(20000, "g/s run 1 fragment 2")))
	if got := read(t, name); got != string(content) {
		t.Error("the closed fragment does not have its content")
	}
}

func TestRestartedHDSUsesTheSameNamesWithNewContent(t *testing.T) {
	tr := newTrace(t.TempDir())
	h := &HDS{Dir: filepath.Join(tr.root, "g/s"), disk: tr.disk()}
	playHDS(t, h, 3)
	cut := len(tr.events)
	must(t, h.Start()) // in the middle of fragment 3
	must(t, h.First(Content(6000, "new")))
	must(t, h.Next(time.Second, Content(6000, "newer")))
	if got := read(t, filepath.Join(h.Dir, "f4vSeg1-Frag1")); got != string(Content(6000, "new")) {
		t.Errorf("fragment 1 is still %.20q", got)
	}
	if got := read(t, filepath.Join(h.Dir, "f4vSeg1-Frag3")); got == string(Content(6000, "3")) {
		t.Error("fragment 3 was completed, though the stream was cut")
	}
	diff(t, tr.since(cut), []string{
		"CLOSE_WRITE g/s/f4vSeg1-Frag3",
		"CLOSE_WRITE g/manifest.f4m", "CLOSE_WRITE g/manifest_v1.f4m", "CLOSE_WRITE g/s/s.f4m",
		"DELETE g/s/f4vSeg1-Frag1", "CREATE g/s/f4vSeg1-Frag1", "CLOSE_WRITE g/s/f4vSeg1-Frag1",
		"CLOSE_WRITE g/s/f4vSeg1-Frag1", "CLOSE_WRITE g/s/bootstrap",
		"DELETE g/s/f4vSeg1-Frag2", "CREATE g/s/f4vSeg1-Frag2", "CLOSE_WRITE g/s/f4vSeg1-Frag2",
	})
}

func TestNothingIsWrittenToAnEndedHDS(t *testing.T) {
	h := &HDS{Dir: filepath.Join(t.TempDir(), "g/s")}
	playHDS(t, h, 1)
	must(t, h.End(time.Second))
	for _, err := range []error{h.Write(1), h.Next(time.Second, nil), h.End(time.Second)} {
		if !errors.Is(err, fs.ErrClosed) {
			t.Errorf("error is %v, want %v", err, fs.ErrClosed)
		}
	}
}
