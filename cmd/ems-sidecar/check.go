package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"ems-sidecar/config"
	"ems-sidecar/emsapi"
	"ems-sidecar/internal/daemon"
	"ems-sidecar/uploader/spool"
)

type checkCommand struct {
	configFlag
	JSON    bool
	Offline bool // asks no bucket, no EMS, and opens no port
	Strict  bool // a warning fails, too
}

func (c *checkCommand) define(p *program) *cobra.Command {
	cmd := c.take(p.command("check",
		"Test the config, the directories, the bucket and EMS, and print what is wrong.", c.Run))
	cmd.Flags().BoolVar(&c.JSON, "json", false, "Print the results as one JSON object.")
	cmd.Flags().BoolVar(&c.Offline, "offline", false,
		"Test only what this host alone tells: the config and the directories. No bucket, no EMS, no port.")
	cmd.Flags().BoolVar(&c.Strict, "strict", false, "Exit with 1 if there is a warning, too.")
	return cmd
}

func (c *checkCommand) Run(ctx context.Context, s surroundings) error {
	r := &report{s: s, asJSON: c.JSON, strict: c.Strict}
	cfg, err := c.load()
	if err != nil {
		return c.refuse(r, err)
	}
	c.test(ctx, r, cfg)
	return r.verdict(ctx)
}

// refuse ends the check of a config with which nothing can be tested.
func (c *checkCommand) refuse(r *report, err error) error {
	var mistakes *config.Error
	if !errors.As(err, &mistakes) {
		r.results = []result{failure("config", c.Config, err)}
	} else {
		for _, p := range mistakes.Problems {
			r.results = append(r.results, failure("config", fmt.Sprintf("%s:%d", p.File, p.Line), errors.New(p.String())))
		}
	}
	text := fmt.Sprintf("nothing was tested: the config has %d mistakes", len(r.results))
	if c.JSON {
		return errors.Join(writeResults(r.s.stdout, text, false, r.results), errSaidUsage)
	}
	if mistakes == nil {
		return err
	}
	fmt.Fprintln(r.s.stderr, mistakes)
	fmt.Fprintln(r.s.stdout, text)
	return errSaidUsage
}

// test makes all tests.
func (c *checkCommand) test(ctx context.Context, r *report, cfg *config.Config) {
	r.say("config", c.Config, nil)
	for _, w := range cfg.Warnings {
		r.warn("config", c.Config, w.String())
	}
	checkRights(r)
	var ems emsapi.Config
	answered := false
	if !c.Offline {
		ems, answered = checkEMS(ctx, r, cfg)
	}
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
		if !c.Offline {
			checkBucket(ctx, r, u, cfg.Upload, tested)
		}
	}
	checkAdmin(r, cfg.Admin)
	if c.Offline {
		what := "bucket and ports"
		if cfg.NamesEMS {
			what = "bucket, EMS and ports"
		}
		r.skip(what, "", "they are not asked with --offline", "test them without --offline")
		return
	}
	if cfg.Hooks.On {
		checkEvents(ctx, r, cfg)
	}
	checkListener(ctx, r, cfg.Admin)
	if cfg.Balancer != nil {
		checkMembers(ctx, r, cfg)
	}
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
