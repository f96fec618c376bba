package uploader

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path"
	"time"

	"ems-sidecar/internal/trouble"
	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

// A notManifestError is about the content of a manifest, which only its writer can change.
type notManifestError struct{ error }

func (e *notManifestError) Unwrap() error { return e.error }

// What can be wrong with the content of a manifest. The subject is its path.
var (
	manifestUnfit = trouble.Condition{
		Kind: "manifest_unfit", Level: slog.LevelWarn,
		Message: "manifest is not published", Over: "manifest can be used again", Each: true,
	}
	manifestHuge = trouble.Condition{
		Kind: "manifest_names_too_much", Level: slog.LevelError,
		Message: "manifest is not published: it names too much", Over: "manifest names no more than it may", Each: true,
	}
)

// unfit reports that the manifest p cannot be used as it is.
func (src *Source) unfit(ctx context.Context, p string, err error) {
	c, attrs := manifestUnfit, []any{"key", src.dest.Prefix + p, "err", err}
	if many := (*media.TooManyError)(nil); errors.As(err, &many) {
		c = manifestHuge
		attrs = append(attrs[:2], "what", many.What, "count", many.Count, "limit", many.Limit)
	}
	src.trouble.Begin(c, src.manifestAt(p), append(attrs, "next", "it is read again when it is closed next")...)
	src.uploader.tell(ctx, func(s *publish.Schedule, now time.Time) { s.ManifestUnfit(src.plan, p, err, now) })
}

// fit reports that the manifest p can be used.
func (src *Source) fit(p string) {
	for _, c := range []trouble.Condition{manifestUnfit, manifestHuge} {
		src.trouble.End(c, src.manifestAt(p), "key", src.dest.Prefix+p)
	}
}

// forgetUnfit forgets what was wrong with the manifest p, which is gone.
func (src *Source) forgetUnfit(p string) {
	for _, c := range []trouble.Condition{manifestUnfit, manifestHuge} {
		src.trouble.Forget(c, src.manifestAt(p))
	}
}

// nameOf returns what the stream of the file p is called.
func (src *Source) nameOf(p string) string { return publish.NameOf(src.dir, src.layout.Stream(p)) }

func (src *Source) manifestAt(p string) trouble.At {
	return trouble.At{Stream: src.nameOf(p), Subject: src.layout.Format.String() + "/" + p}
}

// errNotNamed means that no F4M on the disk tells the names of a bootstrap's fragments yet.
var errNotNamed = errors.New("no F4M names it yet")

// readManifest returns the content of the manifest p. The error is errChanged if it was written
// meanwhile, and an [unendedError] or errRangesToCome if it has to be read once more. It also returns
// the pieces that the manifest names.
func (src *Source) readManifest(ctx context.Context, p string) (publish.Reading, map[string]piece, error) {
	content, version, err := src.readWhole(p)
	if err != nil {
		return publish.Reading{}, nil, err
	}
	manifest, dir, err := src.parse(p, content)
	switch {
	case errors.Is(err, errNotNamed):
		return publish.Reading{}, nil, err
	case err != nil && len(content) == 0:
		return publish.Reading{}, nil, errChanged // EMS truncates a manifest before it writes it
	case err != nil:
		return publish.Reading{}, nil, &notManifestError{err}
	}
	files := lookup{src: src}
	defer files.close()
	names := src.namesIn(dir)
	names.Learn(manifest, files.have)
	written := content
	if err := src.checkEnd(p, manifest, sha256.Sum256(written), names, time.Now()); err != nil {
		return publish.Reading{}, nil, err
	}
	w := rewriting{content: written, manifest: manifest, modTime: version.ModTime}
	if err := src.rewrite(ctx, p, names, &w); err != nil {
		return publish.Reading{}, nil, err
	}
	content, manifest, cut := w.content, w.manifest, w.cut
	sum := sha256.Sum256(content)
	have := func(p string) bool { _, isPiece := cut[p]; return isPiece || w.inRuns[p] || files.have(p) }
	named, err := src.resolve(p, manifest, names, have)
	if err != nil {
		return publish.Reading{}, nil, &notManifestError{err}
	}
	src.tellHostPath(p, named.hostPath)
	if manifest, err = src.findSeries(p, manifest, names, &named); errors.As(err, new(*media.TooManyError)) {
		return publish.Reading{}, nil, &notManifestError{err}
	} else if err != nil {
		return publish.Reading{}, nil, err
	}
	r := publish.Reading{
		Content: content, Sum: sum, MD5: publish.MD5(content), Manifest: manifest.WithoutReferences(),
		References: named.all(), Optional: len(named.optional), Others: len(named.optional) + len(named.others),
		Outside: named.outside, Names: names, ModTime: version.ModTime, ReadAt: time.Now(),
	}
	if src.layout.MayReturn(r.References) {
		r.OnDisk = src.versionsOf(r.References)
	}
	return r, cut, nil
}

// readWhole returns the bytes of the manifest p and its version, or errChanged if it was written
// meanwhile.
func (src *Source) readWhole(p string) (content []byte, v media.Version, err error) {
	f, err := src.open(p)
	if err != nil {
		return nil, v, err
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return nil, v, err
	}
	if most := src.mostOf(p); before.Size() > most {
		return nil, v, &notManifestError{fmt.Errorf("it has %d bytes, and the limit is %d", before.Size(), most)}
	}
	content, v = make([]byte, before.Size()), media.VersionOf(before)
	if _, err := io.ReadFull(f, content); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, v, errChanged // it was truncated
		}
		return nil, v, err
	}
	return content, v, unchanged(f, v)
}

// mostOf returns the limit for the manifest p, in bytes.
func (src *Source) mostOf(p string) int64 {
	if src.layout.IsBootstrap(p) {
		return maxBootstrap
	}
	return maxManifest
}

// parse returns what the manifest p names, and the directory to which the names are relative.
func (src *Source) parse(p string, content []byte) (m media.Manifest, dir string, err error) {
	if src.layout.IsBootstrap(p) {
		b, err := media.ParseBootstrap(content)
		if err != nil {
			return m, "", err
		}
		bases := src.bases(p)
		if len(bases) == 0 && !src.reported.bootstraps.waiting[p] {
			src.reported.bootstraps.waiting[p] = true
			src.log.Warn("bootstrap waits for an F4M that names it",
				"stream", src.nameOf(p), "key", src.dest.Prefix+p,
				"next", "it is published when an F4M tells the names of its fragments")
		}
		if len(bases) == 0 {
			return m, "", errNotNamed
		}
		return b.Manifest(bases), ".", nil
	}
	m, err = src.layout.Parse(p, content)
	if err == nil {
		if waited := src.reported.bootstraps.learn(p, m); len(waited) > 0 {
			src.expecter.Expect(waited...)
		}
	}
	return m, path.Dir(p), err
}
