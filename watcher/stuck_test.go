package watcher

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/internal/disk"
)

func TestStuckFileSystemIsReportedWithTheTimeOfTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New(t.TempDir(), Options{Backend: Poll})
		hang := make(chan struct{})
		w.statfs = func(root string) (fileSystem, error) { <-hang; return statfs(root) }
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		began := time.Now()
		go func() { ended <- w.Run(ctx, make(chan Event)) }()
		time.Sleep(disk.StuckAfter - 1)
		if at := w.StuckSince(time.Now()); !at.IsZero() {
			t.Errorf("too early: %v", at)
		}
		time.Sleep(time.Nanosecond)
		if at := w.StuckSince(time.Now()); !at.Equal(began) {
			t.Errorf("since %v, want %v", at, began)
		}
		close(hang)
		<-w.Ready()
		time.Sleep(time.Minute)
		if at := w.StuckSince(time.Now()); !at.IsZero() {
			t.Errorf("after it has answered: %v", at)
		}
		cancel()
		<-ended
	})
}
