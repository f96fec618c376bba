package uploader

import (
	"path"

	"ems-sidecar/dash"
	"ems-sidecar/hls"
	"ems-sidecar/media"
)

// namesIn returns what the references of a manifest in the directory dir mean.
func (src *Source) namesIn(dir string) *media.Names { return media.NewNames(dir, src.roots()) }

// relative returns the content of the manifest p with relative references instead of addresses that mean
// files below the root, if the destination wants that; else, and where there are none, content itself.
func (src *Source) relative(p string, content []byte, names *media.Names) []byte {
	if !src.dest.RewriteURLs {
		return content
	}
	switch src.layout.Format {
	case media.HLS:
		return hls.RewriteURIs(content, names.Relative)
	case media.DASH:
		rewritten, err := dash.RewriteURIs(content, names.Relative)
		if err != nil && !src.reported.unrewritten[p] {
			src.reported.unrewritten[p] = true
			src.log.Warn("addresses in a manifest cannot be rewritten", "stream", src.nameOf(p),
				"key", src.dest.Prefix+p, "err", err, "next", "it is published as it is written")
		}
		if err == nil {
			return rewritten
		}
	}
	return content
}

// asPublishedNow returns what the bucket has of the manifest p with relative references, as those of
// its next version: a version with addresses would seem to be of another run.
func (src *Source) asPublishedNow(p string, content []byte) []byte {
	m, err := src.layout.Parse(p, content)
	if err != nil || !src.dest.RewriteURLs || src.layout.Format != media.HLS {
		return content
	}
	files := lookup{src: src}
	defer files.close()
	names := src.namesIn(path.Dir(p))
	names.Learn(m, files.have)
	return hls.RewriteURIs(content, names.Relative)
}

// tellHostPath logs, once, that the manifest p names a file by a path on this host.
func (src *Source) tellHostPath(p, uri string) {
	if uri == "" || src.reported.hostPaths[p] {
		return
	}
	src.reported.hostPaths[p] = true
	src.log.Warn("manifest names a file by a path on this host", "stream", src.nameOf(p),
		"key", src.dest.Prefix+p, "uri", uri, "next", "it is published all the same, and no player can play it",
		"hint", "have the writer name its files relative to the playlist, or set rewrite_urls = on")
}
