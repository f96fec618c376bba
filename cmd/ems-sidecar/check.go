package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"ems-sidecar/config"
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
	limits, refused := daemon.NewLimits(cfg, os.Getenv("STATE_DIRECTORY")), make(map[string]error)
	tested := make(map[string]bool) // buckets
	for _, u := range cfg.Uploads {
		spools := make(map[string]string) // the directory below which the spool of one is
		dirs := u.WatchDirs
		if len(dirs) == 0 && answered {
			for _, found := range daemon.Directories(u.Format, ems) {
				dirs = append(dirs, found.Path())
				spools[found.Path()] = found.Root
				refused[found.Path()] = limits.Refuse(found)
			}
			r.found(u, dirs)
		}
		for _, dir := range dirs {
			if err := refused[dir]; len(u.WatchDirs) == 0 && err != nil {
				r.say("directory", dir, err)
				continue
			}
			if root := spools[dir]; root != "" && isMissing(dir) {
				dir = root // where EMS makes the group with its first stream
			}
			if !checkDirectory(ctx, r, dir) {
				continue
			}
			if u.DeleteLocal {
				r.say("deletion", dir, checkDeletion(dir))
			}
			r.spool(ctx, dir, spool.Place(cmp.Or(spools[dir], dir), cfg.Upload.SpoolDir))
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
