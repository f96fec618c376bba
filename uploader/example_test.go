package uploader_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"ems-sidecar/media"
	"ems-sidecar/uploader"
	"ems-sidecar/uploader/publish"
)

// A program that embeds the uploader reports which files are closed. The playlist is reported
// before the chunk that it names, and is uploaded after it.
func Example() {
	dir, err := os.MkdirTemp("", "media")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	puts, expected := make(bucket), make(expecter, 10)
	up := uploader.New(uploader.Settings{
		Workers:       4,
		MinThroughput: 64 << 10, // bytes per second
		DrainTimeout:  5 * time.Second,
	}, slog.New(slog.DiscardHandler))
	dest := &uploader.Destination{Store: puts, Destination: publish.Destination{Bucket: "live", Prefix: "hls/"}}
	src := up.Source(dir, media.Layout{Format: media.HLS}, dest, expected)

	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		up.Run(ctx)
	}()
	write(dir, "g/s/1.ts", "a segment")
	write(dir, "g/s/playlist.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n1.ts\n")
	report(ctx, src, dir, "g/s/playlist.m3u8")
	for _, p := range <-expected { // by the playlist
		report(ctx, src, dir, p)
	}
	fmt.Println(<-puts)
	fmt.Println(<-puts)
	stop()
	<-ended
	// Output:
	// hls/g/s/1.ts: video/mp2t, public, max-age=31536000, immutable
	// hls/g/s/playlist.m3u8: application/vnd.apple.mpegurl, max-age=1
}

// report reports that a file was closed, or is not there.
func report(ctx context.Context, src *uploader.Source, dir, p string) {
	fi, err := os.Stat(filepath.Join(dir, filepath.FromSlash(p)))
	if err != nil {
		src.Absent(ctx, p)
		return
	}
	src.Closed(ctx, p, media.VersionOf(fi))
}

func write(dir, p, content string) {
	name := filepath.Join(dir, filepath.FromSlash(p))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		fmt.Println(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		fmt.Println(err)
	}
}

// An expecter passes the paths that the uploader asks for to the goroutine that reports. It does
// not block as long as there is room.
type expecter chan []string

func (e expecter) Expect(paths ...string) { e <- paths }

// A bucket is an empty one, which tells what it is given. A program uses s3store.Store.
type bucket chan string

func (b bucket) Put(_ context.Context, o uploader.Object) error {
	if _, err := io.Copy(io.Discard, o.Body); err != nil {
		return err
	}
	b <- fmt.Sprintf("%s: %s, %s", o.Key, o.ContentType, o.CacheControl)
	return nil
}

func (bucket) Stat(context.Context, string) (i uploader.ObjectInfo, found bool, err error) {
	return i, false, nil
}

func (bucket) Read(context.Context, string, int64) (content []byte, found bool, err error) {
	return nil, false, nil
}

func (bucket) Same(context.Context, string, uploader.Body, int64, time.Time) (bool, error) {
	return false, nil
}

func (bucket) AbortUploads(context.Context, string, time.Duration, func(string) bool) (int, error) {
	return 0, nil
}

func (bucket) List(context.Context, string, string, func(string, uploader.ObjectInfo) error) error {
	return nil
}

func (bucket) ListBelow(context.Context, string, func(string, uploader.ObjectInfo) error) error {
	return nil
}

func (bucket) Directories(context.Context, string, func(string) error) error { return nil }

func (bucket) Delete(context.Context, []string) error { return nil }
