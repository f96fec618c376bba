package uploader

import (
	"context"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

// A slowStore reads a byte of a body each half hour, and then hangs.
type slowStore struct {
	Store
	hang chan struct{}
}

func (s slowStore) Same(_ context.Context, _ string, body Body, size int64, _ time.Time) (bool, error) {
	b := make([]byte, 1)
	for at := range size {
		time.Sleep(patience / 2)
		read := body.Read
		if at%2 == 1 { // parts are read in parallel
			read = func(p []byte) (int, error) { return body.ReadAt(p, at) }
		}
		if _, err := read(b); err != nil {
			return false, err
		}
	}
	<-s.hang
	return true, nil
}

// The watchdog would end a healthy daemon that reads a long recording to compare it.
func TestComparisonThatReadsForHoursIsNoHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		hang := make(chan struct{})
		d.dest.Store = slowStore{d.bucket, hang}
		a := d.up.attempts.begin(d.src, publish.Job{Task: publish.Discard, Key: "1.mp4"})
		ctx := context.WithValue(t.Context(), attemptKey{}, a)
		content := strings.Repeat("x", 8)
		ended := make(chan error)
		go func() {
			_, err := d.src.store(ctx).Same(ctx, "1.mp4", strings.NewReader(content), 8, time.Time{})
			ended <- err
		}()
		for range 20 {
			time.Sleep(patience / 4)
			if err := d.up.attempts.hung(time.Now()); err != nil {
				t.Fatal("it still reads: ", err)
			}
		}
		time.Sleep(patience)
		if err := d.up.attempts.hung(time.Now()); err == nil {
			t.Error("that it reads no more is not noticed")
		}
		close(hang)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestReadingForAnMD5IsASignOfLife(t *testing.T) {
	d := newDesk(t, Settings{})
	const name = "1.ts"
	if err := os.WriteFile(d.dir+"/"+name, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	fi, err := os.Stat(d.dir + "/" + name)
	if err != nil {
		t.Fatal(err)
	}
	job := publish.Job{Task: publish.Compare, Key: name, Path: name, Version: media.VersionOf(fi)}
	a := d.up.attempts.begin(d.src, job)
	a.expect(-time.Second)
	r := publish.Result{Job: job}
	d.src.hasMD5(context.WithValue(t.Context(), attemptKey{}, a), &r, "")
	if r.FileErr != nil {
		t.Fatal(r.FileErr)
	}
	if late := a.lateBy(time.Now()); late > 0 {
		t.Errorf("late by %v", late)
	}
}
