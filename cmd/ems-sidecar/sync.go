package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/spf13/cobra"

	"ems-sidecar/internal/daemon"
	"ems-sidecar/uploader"
)

type syncCommand struct {
	configFlag
}

func (c *syncCommand) define(p *program) *cobra.Command {
	return c.take(p.command("sync",
		"Upload what the bucket lacks, then exit, with 1 if something is still missing.", c.Run))
}

func (c *syncCommand) Run(ctx context.Context, s surroundings) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	show := progressLines(s.stdout)
	if f, ok := s.stdout.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		show = progressBar(f)
		cfg.Log.Level = max(cfg.Log.Level, slog.LevelWarn) // the bar shows the rest
	}
	log := openLog(s, cfg.Log)
	defer log.flush()
	d, err := daemon.New(ctx, cfg, os.Getenv("STATE_DIRECTORY"), log.Logger)
	if err != nil {
		return err
	}
	began := time.Now()
	var last uploader.Progress
	err = d.Sync(ctx, func(p uploader.Progress) {
		last = p
		show(p, false)
	})
	show(last, true)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.stdout, "%d chunks and %d manifests are in the bucket, after %v.\n",
		last.There, last.Published, time.Since(began).Round(10*time.Millisecond))
	return nil
}

// progressBar shows progress on a terminal.
func progressBar(f *os.File) func(p uploader.Progress, end bool) {
	bar := progressbar.NewOptions(-1,
		progressbar.OptionSetWriter(f), progressbar.OptionSetDescription("files in the bucket"),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(100*time.Millisecond))
	return func(p uploader.Progress, end bool) {
		if n := p.Files + p.Manifests; n > 0 {
			bar.ChangeMax(n)
			_ = bar.Set(p.There + p.Published) // a closed terminal is no reason to stop
		}
		if end {
			fmt.Fprintln(f)
		}
	}
}

// progressEvery is how often progress is written without a terminal.
const progressEvery = 10 * time.Second

// progressLines writes progress as lines, to be read later.
func progressLines(w io.Writer) func(p uploader.Progress, end bool) {
	next := time.Now().Add(progressEvery)
	return func(p uploader.Progress, end bool) {
		if now := time.Now(); end || now.After(next) {
			next = now.Add(progressEvery)
			fmt.Fprintf(w, "%d of %d chunks and %d of %d manifests are in the bucket\n",
				p.There, p.Files, p.Published, p.Manifests)
		}
	}
}
