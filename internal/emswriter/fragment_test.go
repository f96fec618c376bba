package emswriter

import (
	"path/filepath"
	"testing"
)

// The heads are the beginnings of two recorded chunks, one closed and the one that was open then,
// up to trun's entries. Chunks differ in their number.
func TestDraftIsLikeARecordedOpenChunk(t *testing.T) {
	bootstrap := read(t, "../../testdata/live/manifests/073276_hds__g__live1__bootstrap")
	for format, f := range map[string]struct {
		form   form
		number int // offset of mfhd's sequence number
		time   int // offset of 4 bytes of afra's time
	}{
		"hds":  {form{head: hdsHead, draft: (&HDS{abst: []byte(bootstrap)}).draft}, 196, 25},
		"dash": {form{head: dashVideoHead, draft: draftDASH}, 96, 0},
		"mss":  {form{head: mssVideoHead, behind: mssTfxd, draft: draftMSS}, 20, 0},
	} {
		t.Run(format, func(t *testing.T) {
			closed, open := read(t, "../../testdata/live/heads/"+format+".closed"), read(t, "../../testdata/live/heads/"+format+".open")
			f.form.entries = len(open)
			name := filepath.Join(t.TempDir(), "chunk")
			content := append([]byte(closed), Content(80000, "media")...)
			chunk, err := new(disk).createFragment(name, content, f.form)
			must(t, err)
			defer chunk.abandon()
			got := []byte(read(t, name))
			if len(got) != f.form.head {
				t.Errorf("%d bytes are reserved, want %d", len(got), f.form.head)
			}
			copy(got[f.number:f.number+4], open[f.number:])
			if f.time > 0 {
				copy(got[f.time:f.time+4], open[f.time:])
			}
			if string(got[:len(open)]) != open {
				t.Errorf("the head is\n%x, want\n%x", got[:len(open)], open)
			}
			for at, b := range got[len(open) : f.form.head-f.form.behind-mdatHeader] {
				if b != padding {
					t.Fatalf("byte %d behind the head is %q, want padding", at, b)
				}
			}
		})
	}
}

func TestContentTellsWhoseItIsAndWhere(t *testing.T) {
	a, b := Content(1000, "g/s run 1 chunk 1"), Content(1000, "g/s run 1 chunk 2")
	if len(a) != 1000 || len(b) != 1000 {
		t.Fatalf("%d and %d bytes, want 1000", len(a), len(b))
	}
	lines := map[string]bool{}
	for at := 0; at+64 <= len(a); at += 64 {
		lines[string(a[at:at+64])] = true
		lines[string(b[at:at+64])] = true
	}
	if len(lines) != 2*(1000/64) {
		t.Errorf("only %d of %d lines differ", len(lines), 2*(1000/64))
	}
}
