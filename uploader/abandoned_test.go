package uploader

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/internal/disk"
	"ems-sidecar/media"
)

func TestUploadIsAbandonedOnlyIfItsFileIsKnownToBeDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.dest.Prefix = "a/"
		src := d.up.Source(t.TempDir(), media.Layout{Format: media.Recording}, d.dest, d)
		if !d.up.keepsUpload("a/1.mp4") {
			t.Error("the root is empty, as one that is not mounted, and the upload is aborted")
		}
		if err := os.WriteFile(filepath.Join(src.dir, "2.mp4"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		for key, want := range map[string]bool{"a/1.mp4": false, "a/2.mp4": true, "a/none/1.mp4": true, "b/1.mp4": true} {
			if got := d.up.keepsUpload(key); got != want {
				t.Errorf("the upload of %s is kept: %v, want %v", key, got, want)
			}
		}
		other := d.up.Source(t.TempDir(), media.Layout{Format: media.Recording}, d.dest, d)
		defer other.disk.End(other.disk.Begin())
		time.Sleep(disk.StuckAfter)
		if !d.up.keepsUpload("a/1.mp4") {
			t.Error("another root with the prefix does not answer, and may have the file, and the upload is aborted")
		}
	})
}
