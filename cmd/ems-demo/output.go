package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"

	"ems-sidecar/media"
)

// EMS writes several outputs of one stream into one group when they have the same targetFolder and
// groupName: their manifests have names of their own, and so have their chunks.
const (
	groupName  = "demo"
	streamName = "live1"
)

// An output is one live stream in one format: what its files are called, below the root and in the
// bucket alike.
type output struct {
	layout media.Layout
	entry  string   // the manifest that players open
	index  string   // the manifest that lists the chunks: it changes with each one
	inits  []string // init segments
}

// owns reports whether the output writes the file: the outputs share a directory.
func (o output) owns(key string) bool {
	return o.isChunk(key) || o.isManifest(key) || slices.Contains(o.inits, o.onDisk(key))
}

// onDisk returns what the file of an object is called below the root: in DASH, without its run.
func (o output) onDisk(key string) string {
	name, _ := o.layout.CutRun(key)
	return name
}

// isChunk is not for init segments, without which no chunk can be played.
func (o output) isChunk(key string) bool { return o.layout.Kind(key).Role == media.ChunkFile }

func (o output) isManifest(key string) bool { return o.layout.Kind(key).Role == media.ManifestFile }

// parse reads the content of a manifest.
func (o output) parse(key string, content []byte) (media.Manifest, error) {
	if !o.layout.IsBootstrap(key) {
		m, err := o.layout.Parse(key, content)
		if m.Unended {
			err = errors.New("it is cut short")
		}
		return m, err
	}
	bootstrap, err := media.ParseBootstrap(content)
	if err != nil {
		return media.Manifest{}, err
	}
	return bootstrap.Manifest([]string{fragmentBase}), nil
}

// complete reports whether a published manifest is the one with which the stream ended on disk. In
// HDS the manifests mark the end, and in DASH they do not, so that only this tells. The end of an HLS
// playlist waits for a stream that may return, and an MPD goes on over all runs: there, the last chunk
// tells.
func (o output) complete(key string, published, disk []byte) bool {
	if bytes.Equal(published, disk) {
		return true
	}
	has, err := o.parse(key, published)
	ended, broken := o.parse(key, disk)
	goesOn := o.layout.Format == media.HLS || o.layout.Format == media.DASH
	if !goesOn || err != nil || broken != nil || has.Segments == 0 || ended.Segments == 0 {
		return false
	}
	all := named(key, ended)
	last := all[len(all)-1]
	return slices.ContainsFunc(named(key, has), func(chunk string) bool { return o.onDisk(chunk) == last })
}

// manifests returns the contents of the manifests that the output has below the root, by key.
func (o output) manifests(root string) (map[string][]byte, error) {
	found := make(map[string][]byte)
	files := os.DirFS(root)
	err := fs.WalkDir(files, ".", func(key string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !o.isManifest(key) {
			return err
		}
		found[key], err = fs.ReadFile(files, key)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read manifests: %w", err)
	}
	return found, nil
}

// named returns the keys that a manifest names.
func named(key string, m media.Manifest) []string {
	var keys []string
	for reference := range m.References() {
		keys = append(keys, path.Join(path.Dir(key), reference.URI))
	}
	return keys
}
