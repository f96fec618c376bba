package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"ems-sidecar/config"
	"ems-sidecar/internal/daemon"
	"ems-sidecar/uploader"
	"ems-sidecar/uploader/s3store"
	"ems-sidecar/uploader/spool"
)

type checkCommand struct {
	configFlag
}

// requestTimeout is for each request of the check.
const requestTimeout = 15 * time.Second

func (c *checkCommand) Run(ctx context.Context, s surroundings) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	r := &report{s: s}
	r.say("config", c.Config, nil)
	for _, w := range cfg.Warnings {
		r.hint("config", c.Config, "whoever gets into this host may use the bucket", errors.New(w.String()))
	}
	ems, answered := checkEMS(ctx, r, cfg)
	limits, refused := daemon.NewLimits(cfg, os.Getenv("STATE_DIRECTORY")), make(map[string]error)
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
			if !r.say("directory", dir, checkDirectory(dir)) {
				continue
			}
			if u.DeleteLocal {
				r.say("deletion", dir, checkDeletion(dir))
			}
			r.spool(dir, spool.Place(cmp.Or(spools[dir], dir), cfg.Upload.SpoolDir))
		}
		checkBucket(ctx, r, u, cfg.Upload)
	}
	if cfg.Hooks.On {
		checkEvents(ctx, r, cfg)
	}
	checkAdmin(r, cfg.Admin)
	if cfg.Balancer != nil {
		checkMembers(ctx, r, cfg)
	}
	if r.failed {
		return errSaid
	}
	_, err = fmt.Fprintln(s.stdout, "everything is fine")
	return err
}

// A report prints one line for each thing that was tested.
type report struct {
	s      surroundings
	failed bool
}

func (r *report) say(what, which string, err error) bool {
	if err != nil {
		r.failed = true
		fmt.Fprintf(r.s.stdout, "FAIL  %-9s  %s\n                 %v\n", what, which, err)
		return false
	}
	fmt.Fprintf(r.s.stdout, "ok    %-9s  %s\n", what, which)
	return true
}

// hint is say for what the daemon can do without.
func (r *report) hint(what, which, without string, err error) {
	if err == nil {
		r.say(what, which, nil)
		return
	}
	fmt.Fprintf(r.s.stdout, "warn  %-9s  %s\n                 %v\n                 without this, %s\n", what, which, err, without)
}

func checkDirectory(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return errors.New("it does not exist; the daemon would wait for it: is it the targetFolder of EMS?")
	case errors.Is(err, os.ErrPermission):
		return errors.New("it cannot be read: give the user that runs the daemon read access, or its group")
	case err != nil:
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			if _, err := os.ReadDir(dir + string(os.PathSeparator) + e.Name()); err != nil {
				return fmt.Errorf("the group %s in it cannot be read: %w", e.Name(), err)
			}
		}
	}
	return nil
}

// spool tests whether files of dir can be linked into the spool.
func (r *report) spool(dir, place string) {
	which := place
	tested, err := spool.Check(dir, place)
	if err == nil && !tested {
		which += "\n                 not tested with one of EMS's files: there is none yet"
	}
	r.hint("spool", which, "what EMS deletes before its upload is held open instead, and lost if the daemon ends meanwhile", err)
}

// checkDeletion tests the right that delete_local takes.
func checkDeletion(dir string) error {
	f, err := os.CreateTemp(dir, ".ems-sidecar-check-*") // a name that the daemon ignores
	if err == nil {
		err = errors.Join(f.Close(), os.Remove(f.Name()))
	}
	if err != nil {
		return fmt.Errorf("delete_local = after_upload needs the right to delete here: give it to the user that runs the daemon, and in its unit set ReadWritePaths=%s: %w", dir, err)
	}
	return nil
}

// checkBucket does with one small object what the daemon does with all.
func checkBucket(ctx context.Context, r *report, u config.Upload, pool config.Pool) {
	where := fmt.Sprintf("bucket %s for [%s]", u.Bucket, u.Section)
	store, err := daemon.OpenStore(ctx, u, pool, nil)
	if err != nil {
		r.say("bucket", where, err)
		return
	}
	where += " at " + store.Endpoint()
	var who string
	err = timed(ctx, func(ctx context.Context) (err error) {
		who, err = store.Identity(ctx)
		return err
	})
	switch {
	case who == "":
		r.say("identity", where, err)
		return
	case err != nil:
		who += fmt.Sprintf(" (whose ARN STS does not tell: %v)", err)
	}
	r.say("identity", who, nil)
	key := u.Prefix + ".ems-sidecar-check-" + rand.Text()
	content := []byte("ems-sidecar check: this object may be deleted\n")
	write := timed(ctx, func(ctx context.Context) error {
		return store.Put(ctx, uploader.Object{
			Key: key, Body: bytes.NewReader(content), Size: int64(len(content)),
			ContentType: "text/plain", CacheControl: "no-store",
		})
	})
	if !r.say("write", where+", key "+key, write) {
		if !errors.Is(write, uploader.ErrPermanent) {
			// It may have been applied all the same. Whether this works was not asked.
			_ = timed(context.WithoutCancel(ctx), func(ctx context.Context) error { return store.Delete(ctx, []string{key}) })
		}
		return
	}
	r.say("read", where, timed(ctx, func(ctx context.Context) error { return compare(ctx, store, key, content) }))
	err = timed(context.WithoutCancel(ctx), func(ctx context.Context) error { return store.Delete(ctx, []string{key}) })
	if err != nil && u.Delete == config.Mirror {
		err = fmt.Errorf("delete = mirror deletes objects in the bucket: %w", err)
	}
	r.say("delete", where, err)
	if u.Format == config.Record {
		err := timed(ctx, func(ctx context.Context) error {
			_, err := store.AbortUploads(ctx, key, 0, func(string) bool { return true }) // lists them, and aborts none
			return err
		})
		r.hint("resume", where, "a recording whose upload is interrupted by a restart begins anew", err)
	}
}

func timed(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return f(ctx)
}

func compare(ctx context.Context, store *s3store.Store, key string, want []byte) error {
	got, err := store.Get(ctx, key)
	if err == nil && !bytes.Equal(got, want) {
		err = errors.New("the object has other content than was written")
	}
	return err
}
