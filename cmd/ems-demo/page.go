package main

import (
	"embed"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
)

// pageFiles has, besides ours, hls.light.min.js: hls.js 1.7.4 as it was released (Apache License 2.0).
//
//go:embed page
var pageFiles embed.FS

// A page is the web page with the player, and /status, which it polls.
type page struct {
	journal *journal
	stream  string // URL of the stream in the bucket
	log     *slog.Logger
	files   http.Handler
}

func newPage(j *journal, stream string, log *slog.Logger) (*page, error) {
	files, err := fs.Sub(pageFiles, "page")
	if err != nil {
		return nil, err
	}
	return &page{journal: j, stream: stream, log: log, files: http.FileServerFS(files)}, nil
}

func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if r.URL.Path == "/status" {
		p.serveStatus(w, r)
		return
	}
	// Nothing comes from elsewhere but the stream; the player hands the media to the video as a blob.
	h.Set("Content-Security-Policy", "default-src 'self'; connect-src *; media-src * blob:; worker-src blob:; img-src data:")
	p.files.ServeHTTP(w, r)
}

func (p *page) serveStatus(w http.ResponseWriter, r *http.Request) {
	now, recent, err := p.journal.read(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(struct {
		Stream string  `json:"stream"`
		Status status  `json:"status"`
		Recent []event `json:"recent"`
	}{reachable(p.stream, r.Host), now, recent}); err != nil {
		p.log.Debug("page went away", "error", err)
	}
}

// reachable returns the address of a server of ours for who reaches this machine under host, with or
// without a port: a server that listens on all addresses has no host of its own.
func reachable(address, host string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(u.Hostname()); ip == nil || !ip.IsUnspecified() {
		return address
	}
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	u.Host = net.JoinHostPort(host, u.Port())
	return u.String()
}
