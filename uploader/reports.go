package uploader

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"ems-sidecar/internal/trouble"
	"ems-sidecar/uploader/publish"
)

// Figures are what an Uploader did since its start, and what it has to do.
type Figures struct {
	publish.Figures
	SpoolBytes int64 // of deleted files that spools keep until their upload
}

// Figures returns the current figures, or false once Run has ended.
func (u *Uploader) Figures(ctx context.Context) (Figures, bool) { return ask(ctx, u, u.figures) }

func (u *Uploader) figures(s *publish.Schedule, now time.Time) Figures {
	return Figures{s.Figures(now), u.budget.Used()}
}

// Progress is how far an Uploader has come with the files that were reported.
type Progress struct {
	publish.Progress
	Read int64 // bytes of files, for uploads and comparisons
}

// Progress returns the current progress, or false once Run has ended.
func (u *Uploader) Progress(ctx context.Context) (Progress, bool) {
	return ask(ctx, u, func(s *publish.Schedule, _ time.Time) Progress {
		p := Progress{Progress: s.Progress()}
		for _, src := range u.all() {
			p.Read += src.disk.read.Load()
		}
		return p
	})
}

// An Outlook is what live streams will still bring.
type Outlook = publish.Outlook

// Outlook returns the current outlook, or false once Run has ended.
func (u *Uploader) Outlook(ctx context.Context) (Outlook, bool) {
	return ask(ctx, u, func(s *publish.Schedule, now time.Time) Outlook { return s.Outlook(now) })
}

// ask has the goroutine of Run answer a question. It returns false if Run has ended.
func ask[T any](ctx context.Context, u *Uploader, question func(*publish.Schedule, time.Time) T) (answer T, ok bool) {
	answered := make(chan T, 1)
	ok = u.tell(ctx, func(s *publish.Schedule, now time.Time) { answered <- question(s, now) })
	if ok {
		answer = <-answered
	}
	return answer, ok
}

// DrainBy sets when Run ends at the latest, instead of Settings.DrainTimeout after its context
// ended.
func (u *Uploader) DrainBy(t time.Time) {
	u.tell(context.Background(), func(*publish.Schedule, time.Time) { u.drainBy = t })
}

// A summary logs one line a minute: what happened since the last one, and what is left to do.
type summary struct {
	log     *slog.Logger
	trouble *trouble.Reporter
	last    Figures
}

const (
	// mostNamed is how many suffering streams the summary names.
	mostNamed = 5
	// maxNamed is how much of each one's name it has, in bytes.
	maxNamed = 200
)

func (y *summary) write(f Figures, views []publish.View, now time.Time) {
	f.Failures = int64(y.trouble.Total()) // the watcher's and the plugins', too
	attrs := append(f.Since(y.last.Figures), "spool_bytes", f.SpoolBytes)
	if who := suffering(views, now); who != "" {
		attrs = append(attrs, "suffering", who)
	}
	y.log.Info("last minute", attrs...)
	y.last = f
}

// suffering names the streams that suffer, the worst first.
func suffering(views []publish.View, now time.Time) string {
	var named []string
	more := 0
	for _, v := range views {
		switch {
		case !v.State.Suffers():
		case len(named) == mostNamed:
			more++
		default:
			name := v.Shown
			if len(name) > maxNamed {
				name = strings.ToValidUTF8(name[:maxNamed], "") + "…"
			}
			named = append(named, fmt.Sprintf("%s %s for %v", name, v.State, now.Sub(v.Since).Round(time.Second)))
		}
	}
	who := strings.Join(named, ", ")
	if more > 0 {
		who += fmt.Sprintf(" and %d more", more)
	}
	return who
}
