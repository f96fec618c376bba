// Package page is the status page: files that a browser reads as they are, without a build step. It
// shows what the API says, and nothing else.
package page

import (
	"embed"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
)

// files has, besides ours, hls.light.min.mjs of hls.js 1.7.4 (Apache License 2.0), as it was
// released. The page loads it only to play a stream.
//
//go:embed static
var files embed.FS

// policy allows what the page does, and to load media from a URL, if there is one. A browser refuses
// all else, such as scripts in names of streams, which publishers choose.
func policy(media string) string {
	from := "'self'"
	if u, err := url.Parse(media); err == nil && u.Host != "" {
		from += " " + u.Scheme + "://" + u.Host
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src " + from + "; " +
		"media-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
		"require-trusted-types-for 'script'; trusted-types 'none'"
}

// Register adds the page, at /, and its files to mux. They are the same for everyone, and tell
// nothing of this daemon, except from where it plays media: a URL, or "" for no other host.
func Register(mux *http.ServeMux, media string) {
	allowed := policy(media)
	static, err := fs.Sub(files, "static")
	if err != nil {
		panic(err) // the name is not a path
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { serve(w, r, static, "index.html", allowed) })
	mux.HandleFunc("GET /page/{file}", func(w http.ResponseWriter, r *http.Request) {
		serve(w, r, static, r.PathValue("file"), allowed)
	})
}

// Has reports whether a path is the page's.
func Has(urlPath string) bool {
	return urlPath == "/" || strings.HasPrefix(urlPath, "/page/") && path.Clean(urlPath) == urlPath
}

func serve(w http.ResponseWriter, r *http.Request, static fs.FS, file, policy string) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache")
	if path.Ext(file) == ".mjs" || path.Ext(file) == ".js" {
		h.Set("Content-Type", "text/javascript; charset=utf-8") // a host's list of types may not have .mjs
	}
	http.ServeFileFS(w, r, static, file)
}
