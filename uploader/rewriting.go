package uploader

import (
	"bytes"
	"context"
	"time"

	"ems-sidecar/media"
)

// A rewriting is a manifest as it was read, and then with other names for its files: relative ones, those of
// pieces, or those of runs.
type rewriting struct {
	content  []byte
	manifest media.Manifest
	modTime  time.Time
	cut      map[string]piece // the pieces, by path
	inRuns   map[string]bool  // paths of files that have the names of their runs
}

// rewrite gives the files of the manifest p other names, as the destination wants it.
func (src *Source) rewrite(ctx context.Context, p string, names *media.Names, w *rewriting) (err error) {
	written := w.content
	if w.content, w.cut, err = src.split(ctx, src.relative(p, written, names), names, w.modTime); err != nil {
		return err
	}
	if err := src.nameRuns(ctx, p, names, w); err != nil {
		return err
	}
	if bytes.Equal(w.content, written) {
		return nil
	}
	if w.manifest, _, err = src.parse(p, w.content); err != nil {
		return &notManifestError{err}
	}
	return nil
}
