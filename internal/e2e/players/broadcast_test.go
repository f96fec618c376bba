package players

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/emswriter"
)

// A layout is how a stream is written. Its files are in a group that has its name.
type layout struct {
	name      string
	tracks    []kind
	appending bool
	aes       bool
}

var layouts = []layout{
	{name: "rolling", tracks: []kind{muxed}},
	{name: "appending", tracks: []kind{muxed}, appending: true},
	{name: "aes", tracks: []kind{muxed}, aes: true},
	{name: "fmp4", tracks: []kind{fmp4}},
	{name: "group", tracks: []kind{small, large, sound}},
}

// master returns the master playlist.
func (l layout) master() string {
	var b strings.Builder
	b.WriteString("#EXTM3U\r\n#EXT-X-VERSION:4\r\n")
	group := ""
	for _, k := range l.tracks {
		if k.video == "" {
			group = `,AUDIO="sound"`
			fmt.Fprintf(&b, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"sound\",NAME=\"sound\",DEFAULT=YES,AUTOSELECT=YES,URI=\"%s/playlist.m3u8\"\r\n", k.name)
		}
	}
	for i, k := range l.tracks {
		if k.video != "" {
			fmt.Fprintf(&b, "#EXT-X-STREAM-INF:BANDWIDTH=%d,CODECS=\"avc1.42c01e,mp4a.40.2\",RESOLUTION=%s%s\r\n%s/playlist.m3u8\r\n",
				200_000*(i+1), k.video, group, k.name)
		}
	}
	return b.String()
}

// A broadcast has an encoder for each layout, all in step.
type broadcast struct {
	t      *testing.T
	root   string
	lasts  time.Duration // of a chunk
	tracks []*track
	closed atomic.Int64 // chunks of the present run, of each track
	number int          // of the present run
	next   int          // chunk of its recording
}

// A track is one media playlist.
type track struct {
	layout
	kind
	writer emswriter.HLS
	names  []string // of the chunks that were written since the encoder came back: keys in the bucket
}

func newBroadcast(t *testing.T, root string, of []layout, lasts time.Duration) *broadcast {
	t.Helper()
	b := &broadcast{t: t, root: root, lasts: lasts}
	for _, l := range of {
		e2e.Must(t, os.MkdirAll(filepath.Join(root, l.name), 0o755))
		e2e.Must(t, os.WriteFile(filepath.Join(root, l.name, "playlist.m3u8"), []byte(l.master()), 0o644))
		for _, k := range l.tracks {
			b.tracks = append(b.tracks, &track{layout: l, kind: k, writer: emswriter.HLS{
				Dir: filepath.Join(root, l.name, k.name), Appending: l.appending, Target: lasts}})
		}
	}
	return b
}

// An ending is how a run ends.
type ending int

const (
	ended   ending = iota // with ENDLIST
	crashed               // EMS is gone: nothing is written any more
	frozen                // not at all: the encoder stands still and goes on, so that no new run follows
)

// start begins a run.
func (b *broadcast) start(n int, media map[kind]recording) error {
	b.number, b.next = n, 0
	b.closed.Store(0)
	for _, t := range b.tracks {
		r := media[t.kind]
		t.writer.Init = r.init
		if t.aes {
			t.writer.Key = []byte(fmt.Sprintf("key of run %d....", n))
		}
		if err := t.writer.Start(); err != nil {
			return err
		}
	}
	return nil
}

// play plays a run on to the chunk in which over is closed.
func (b *broadcast) play(media map[kind]recording, over <-chan struct{}, end ending) error {
	for _, t := range b.tracks {
		t.names = nil
	}
	for began := time.Now(); b.next < recorded; {
		for _, t := range b.tracks {
			if _, err := t.writer.Write(t.content(media[t.kind].chunks[b.next], b.next+1)); err != nil {
				return err
			}
			t.names = append(t.names, path.Join(t.layout.name, t.kind.name, filepath.Base(t.writer.Chunk())))
		}
		b.next++
		began = began.Add(b.lasts)
		time.Sleep(time.Until(began))
		select {
		case <-over:
			return b.finish(end)
		default:
		}
		if err := b.finish(frozen); err != nil {
			return err
		}
	}
	return fmt.Errorf("run %d: %d chunks were not enough", b.number, recorded)
}

// finish ends the chunks that are open.
func (b *broadcast) finish(end ending) error {
	for _, t := range b.tracks {
		var err error
		switch end {
		case ended:
			err = t.writer.End(b.lasts)
		case crashed:
			err = t.writer.Abandon()
		case frozen:
			err = t.writer.Next(b.lasts)
		}
		if err != nil {
			return err
		}
	}
	b.closed.Add(1)
	return nil
}

// content returns what a chunk's file has: with AES-128, the media sequence number is the IV (RFC
// 8216, section 5.2).
func (t *track) content(media []byte, number int) []byte {
	if !t.aes {
		return media
	}
	block, err := aes.NewCipher(t.writer.Key)
	if err != nil {
		panic(err) // the key is ours
	}
	padding := aes.BlockSize - len(media)%aes.BlockSize
	padded := append(slices.Clone(media), slices.Repeat([]byte{byte(padding)}, padding)...) // PKCS #7
	iv := make([]byte, aes.BlockSize)
	binary.BigEndian.PutUint64(iv[8:], uint64(number))
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(padded, padded)
	return padded
}
