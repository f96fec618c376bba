package main

import (
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
	return o.isChunk(key) || o.isManifest(key) || slices.Contains(o.inits, key)
}

// isChunk is not for init segments, without which no chunk can be played.
func (o output) isChunk(key string) bool { return o.layout.Kind(key).Role == media.ChunkFile }

func (o output) isManifest(key string) bool { return o.layout.Kind(key).Role == media.ManifestFile }

// parse reads the content of a manifest.
func (o output) parse(key string, content []byte) (media.Manifest, error) {
	if !o.layout.IsBootstrap(key) {
		return o.layout.Parse(key, content)
	}
	bootstrap, err := media.ParseBootstrap(content)
	if err != nil {
		return media.Manifest{}, err
	}
	return bootstrap.Manifest([]string{fragmentBase}), nil
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
