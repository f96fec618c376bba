package main

import (
	"embed"
	"encoding/json"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"ems-sidecar/media"
)

// pageFiles has, besides ours, two players as they were released: hls.light.min.js is hls.js 1.7.4
// (Apache License 2.0), dash.mediaplayer.min.js is dash.js 5.2.1 (BSD 3-Clause License).
//
//go:embed page
var pageFiles embed.FS

// A page is the web page with the players, /status, which it polls, and /time, the clock that DASH
// goes by.
type page struct {
	journal *journal
	bucket  string // its URL
	log     *slog.Logger
	files   http.Handler

	status   string    // the URL of the daemon's own page; empty: none
	troubles *troubles // nil: none
}

func newPage(j *journal, bucket string, log *slog.Logger) (*page, error) {
	files, err := fs.Sub(pageFiles, "page")
	if err != nil {
		return nil, err
	}
	return &page{journal: j, bucket: bucket, log: log, files: http.FileServerFS(files)}, nil
}

func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.troubles != nil && strings.HasPrefix(r.URL.Path, "/troubles/") {
		p.troubles.ServeHTTP(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	switch r.URL.Path {
	case "/status":
		p.serveStatus(w, r)
		return
	case "/time":
		h.Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, time.Now().UTC().Format("2006-01-02T15:04:05.000Z"))
		return
	}
	h.Set("Content-Security-Policy", p.securityPolicy(reachable(p.bucket, r.Host)))
	p.files.ServeHTTP(w, r)
}

// securityPolicy allows what the page does: nothing comes from elsewhere but the bucket's objects,
// and the players hand the media to the video as a blob. Where there is no MediaSource, as on an
// iPhone, the video loads the stream itself. hls.js works in a worker that is a blob, too.
func (p *page) securityPolicy(bucket string) string {
	source, worker := bucket+"/", "'none'"
	if strings.Contains(bucket, "[") {
		source = "http:" // a host-source cannot be an IPv6 address (CSP level 3, section 2.3.1)
	}
	if slices.ContainsFunc(p.journal.outputs, func(o output) bool { return o.layout.Format == media.HLS }) {
		worker = "blob:"
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self' " + source +
		"; media-src blob: " + source + "; worker-src " + worker + "; base-uri 'none'; form-action 'none'; " +
		"frame-ancestors 'none'"
}

func (p *page) serveStatus(w http.ResponseWriter, r *http.Request) {
	all, recent, err := p.journal.read(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	type stream struct {
		URL string `json:"url"`
		status
	}
	var answer struct {
		Streams []stream `json:"streams"`
		Recent  []event  `json:"recent"`
		Page    string   `json:"page,omitempty"` // the daemon's own
	}
	for i, o := range p.journal.outputs {
		answer.Streams = append(answer.Streams, stream{reachable(p.bucket, r.Host) + "/" + o.entry, all[i]})
	}
	answer.Page = p.status
	answer.Recent = append([]event{}, recent...) // never null
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		p.log.Debug("page was closed", "err", err)
	}
}

// reachable returns the address of a server of ours for who reaches this machine under host, with
// or without a port: a server that listens on all addresses has no host of its own.
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
