package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"ems-sidecar/config"
	"ems-sidecar/emsapi"
	"ems-sidecar/internal/daemon"
	"ems-sidecar/uploader/spool"
)

type checkCommand struct {
	configFlag
}

func (c *checkCommand) Run(ctx context.Context, s surroundings) error {
	r := &report{s: s}
	cfg, err := c.load()
	var mistakes *config.Error
	if errors.As(err, &mistakes) {
		fmt.Fprintln(s.stderr, mistakes)
		fmt.Fprintf(s.stdout, "nothing was tested: the config has %d mistakes\n", len(mistakes.Problems))
		return errSaidUsage
	}
	if err != nil {
		return err
	}
	r.say("config", c.Config, nil)
	for _, w := range cfg.Warnings {
		r.warn("config", c.Config, w.String())
	}
	checkRights(r)
	ems, answered := checkEMS(ctx, r, cfg)
	limits := daemon.NewLimits(cfg, os.Getenv("STATE_DIRECTORY"))
	tested := make(map[string]bool) // buckets
	for _, u := range cfg.Uploads {
		places := watchDirs(u)
		if len(places) == 0 && answered {
			places = namedDirs(u, ems, limits)
			r.found(u, places)
		}
		for _, p := range places {
			p.check(ctx, r, u, cfg.Upload.SpoolDir)
		}
		checkBucket(ctx, r, u, cfg.Upload, tested)
	}
	if cfg.Hooks.On {
		checkEvents(ctx, r, cfg)
	}
	checkAdmin(r, cfg.Admin)
	checkListener(ctx, r, cfg.Admin)
	if cfg.Balancer != nil {
		checkMembers(ctx, r, cfg)
	}
	return r.verdict(ctx)
}

// A place is a directory that a section publishes.
type place struct {
	dir     string
	root    string // the directory below which its files have their keys and its spool
	refused error  // why it is not published although EMS names it
}

// watchDirs returns the directories that the config names for a section.
func watchDirs(u config.Upload) (places []place) {
	for _, dir := range u.WatchDirs {
		places = append(places, place{dir: dir, root: dir})
	}
	return places
}

// namedDirs returns the directories that EMS names for a section.
func namedDirs(u config.Upload, ems emsapi.Config, limits daemon.Limits) (places []place) {
	for _, found := range daemon.Directories(u.Format, ems) {
		places = append(places, place{found.Path(), found.Root, limits.Refuse(found)})
	}
	return places
}

// check tests the directory and its spool. Of a group that EMS makes with its first stream, it
// tests the directory that will hold the group.
func (p place) check(ctx context.Context, r *report, u config.Upload, spoolDir string) {
	if p.refused != nil {
		r.say("directory", p.dir, p.refused)
		return
	}
	dir := p.dir
	if p.root != p.dir && isMissing(dir) {
		dir = p.root
	}
	if !checkDirectory(ctx, r, dir) {
		return
	}
	if u.DeleteLocal {
		r.say("deletion", dir, checkDeletion(dir))
	}
	r.spool(ctx, dir, spool.Place(p.root, spoolDir))
}
