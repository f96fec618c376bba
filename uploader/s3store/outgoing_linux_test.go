package s3store

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"ems-sidecar/internal/disk"
	"ems-sidecar/uploader"
)

// A sentFile is a Body that the kernel sends.
type sentFile struct {
	*os.File
	most  int64 // for each request
	spoil bool  // it is overwritten in place just before it is sent
	sent  atomic.Int64
}

// SendTo implements uploader.Sender.
func (f *sentFile) SendTo(socket uintptr, off, n int64) (sent int64, full bool) {
	if f.spoil {
		_, _ = f.WriteAt([]byte("something else"), off)
	}
	sent, full = disk.SendFile(socket, f.File, off, min(n, f.most))
	f.sent.Add(sent)
	return sent, full
}

func sentFileWith(t *testing.T, content []byte, most int64) *sentFile {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return &sentFile{File: f, most: most}
}

// Without TLS, the kernel sends all of a file but its end, in one request and in parts.
func TestKernelSendsFiles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		size      int
		most      int64 // that the kernel takes
		resumable bool
		want      int64 // that the kernel has sent
	}{
		"a chunk":                   {500_000, 1 << 30, false, 500_000 - lastPiece},
		"a chunk, the rest is read": {500_000, 100_001, false, 100_001},
		"the kernel cannot":         {500_000, 0, false, 0},
		"a short file":              {20_000, 1 << 30, false, 0},
		// The second part is short.
		"parts":                     {clipSize, 1 << 30, false, 5*mib - lastPiece},
		"parts that can be resumed": {clipSize, 1 << 30, true, 5*mib - lastPiece},
		"parts, the rest is read":   {clipSize, 1 << 20, true, 1 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			server := servers.Server(t)
			clip := content(1, c.size)
			f := sentFileWith(t, clip, c.most)
			o := object("a.mp4", f, int64(c.size))
			o.Resumable = c.resumable
			if err := open(t, server.Endpoint).Put(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			if got := f.sent.Load(); got != c.want {
				t.Errorf("the kernel has sent %d bytes, want %d", got, c.want)
			}
			wantObject(t, server, "a.mp4", clip)
		})
	}
}

// The kernel keeps no copy of what it sends. What is overwritten in place after its checksum was computed
// is no object, even if the file's version does not tell.
func TestR1WhatIsOverwrittenWhileTheKernelSendsItIsNoObject(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"a chunk": 500_000, "parts": clipSize} {
		for _, p := range []proof{byMD5, byCRC32, onTrial, byEcho} {
			t.Run(fmt.Sprintf("%s, proof %d", name, p), func(t *testing.T) {
				server := servers.Server(t)
				s := open(t, server.Endpoint)
				s.terms = newAgreement(SignOff, terms{whole: p, parts: p}, false)
				f := sentFileWith(t, content(1, size), 1<<30)
				f.spoil = true
				o := object("a.mp4", f, int64(size))
				if err := s.Put(t.Context(), o); err == nil {
					t.Error("it is taken for the file")
				}
				if f.sent.Load() == 0 {
					t.Error("the kernel has sent nothing")
				}
				if b, err := server.Object("a.mp4"); err == nil {
					t.Errorf("the bucket has an object of %d bytes", len(b))
				}
			})
		}
	}
}

// What the store refuses before it has read it ends a request, not the process, and the next request is
// whole.
func TestRefusedFileLeavesTheNextOneWhole(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	s := open(t, server.Endpoint)
	clip := content(1, 3*mib)
	missing := open(t, server.Endpoint, func(t *Settings) { t.Bucket = "missing" })
	for range 3 {
		f := sentFileWith(t, clip, 1<<30)
		if err := missing.Put(t.Context(), object("a.mp4", f, int64(len(clip)))); err == nil {
			t.Error("a bucket that does not exist took it")
		}
		f.Close()
		if err := s.Put(t.Context(), object("a.mp4", sentFileWith(t, clip, 1<<30), int64(len(clip)))); err != nil {
			t.Error(err)
		}
		wantObject(t, server, "a.mp4", clip)
	}
}

var _ uploader.Sender = (*sentFile)(nil)
