package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"ems-sidecar/admin/api"
	"ems-sidecar/config"
	"ems-sidecar/internal/daemon"
)

type supportCommand struct {
	configFlag
	Output string // a file; -: standard output; empty: a new file
	Unit   string // whose log is read
	Stream string // whose files are listed; empty: the worst
}

func (c *supportCommand) define(p *program) *cobra.Command {
	cmd := c.take(p.command("support",
		"Write an archive with what is known of the daemon and the host, without secrets.", c.Run))
	wordFlag(cmd, &c.Output, "output", "o", "FILE", "", "The file to write; - is standard output.")
	wordFlag(cmd, &c.Unit, "unit", "", "UNIT", "ems-sidecar", "The unit whose log is read (ems-sidecar).")
	optionalArgument(cmd, &c.Stream, "STREAM",
		"The stream whose files are listed, such as news/sport. Default: the worst.")
	return cmd
}

// Run writes an archive with what a stranger needs to help: no secret, and no media. What cannot be
// had is a line of its MANIFEST.
func (c *supportCommand) Run(ctx context.Context, s surroundings) error {
	cfg, err := c.load()
	f := facts{supportCommand: *c, cfg: cfg, wrong: err, s: s}
	if cfg != nil {
		f.client, f.noClient = adminClient(cfg.Admin)
	} else {
		f.noClient = errors.New("the config cannot be read")
	}
	if c.Output == "-" {
		_, err := f.write(ctx, s.stdout)
		return err
	}
	name := c.Output
	if name == "" {
		name = "ems-sidecar-support-" + time.Now().UTC().Format("20060102-150405") + ".tar.gz"
	}
	return f.writeFile(ctx, name)
}

// facts are what the parts of the archive are collected from.
type facts struct {
	supportCommand
	cfg      *config.Config // nil: see wrong
	wrong    error
	client   *api.Client // nil: see noClient
	noClient error
	s        surroundings
}

// writeFile writes the archive to a new file, and prints its path and what is missing.
func (f facts) writeFile(ctx context.Context, name string) error {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("%w (another file is named with -o)", err)
	}
	missing, err := f.write(ctx, file)
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	for _, line := range missing {
		fmt.Fprintln(f.s.stderr, "missing:", line)
	}
	path, err := filepath.Abs(name)
	if err != nil {
		path = name
	}
	_, err = fmt.Fprintln(f.s.stdout, path)
	return err
}

// write writes the archive, and returns what is missing.
func (f facts) write(ctx context.Context, w io.Writer) (missing []string, err error) {
	zipped := gzip.NewWriter(w)
	b := newBundle(zipped, func(text string) string { return f.cfg.Hide(text, f.environment()...) })
	for _, p := range f.parts() {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		content, err := collect(ctx, p)
		if err := b.add(p.name, content, err); err != nil {
			return nil, err
		}
	}
	if err := b.end(versionText()); err != nil {
		return nil, err
	}
	return b.missing, zipped.Close()
}

// environment are the secrets of the SDK's variables.
func (f facts) environment() (secrets []string) {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY",
		"AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN"} {
		if value := f.s.getenv(name); value != "" {
			secrets = append(secrets, value)
		}
	}
	return secrets
}

// A supportPart is a file of the archive.
type supportPart struct {
	name string
	get  func(context.Context) ([]byte, error)
}

// partTime is how long a part may take, and checkTime how long the check may.
const (
	partTime  = 15 * time.Second
	checkTime = 2 * time.Minute
)

// collect gets a part. A system call that does not return is left behind, and ends with the process.
func collect(ctx context.Context, p supportPart) ([]byte, error) {
	limit := partTime
	if p.name == "check.txt" {
		limit = checkTime
	}
	quiet := &report{asJSON: true}
	return timed(ctx, quiet, "support", p.name, limit, p.get)
}

// parts are the files of the archive, in their order.
func (f facts) parts() []supportPart {
	parts := []supportPart{
		{"config.txt", f.config},
		{"check.txt", f.check},
		{"log.txt", f.log},
		{"metrics.txt", f.ask("/metrics")},
		{"goroutines.txt", f.ask("/debug/goroutines")},
		{"health.txt", f.ask("/healthz")},
		{"ready.txt", f.ask("/readyz")},
	}
	for _, name := range []string{"version", "streams", "plugins", "config"} {
		parts = append(parts, supportPart{"api/" + name + ".json", f.ask("/api/v1/" + name)})
	}
	return append(parts,
		supportPart{"api/events.jsonl", f.events},
		supportPart{"stream.txt", f.stream},
		supportPart{"host.txt", host},
		supportPart{"mounts.txt", mounts},
		supportPart{"limits.txt", limits},
	)
}

// config is what holds, or what is wrong with it.
func (f facts) config(context.Context) ([]byte, error) {
	if f.cfg == nil {
		return []byte(f.wrong.Error() + "\n"), nil
	}
	var out bytes.Buffer
	err := show(&out, f.cfg.Effective(f.s.getenv))
	return out.Bytes(), err
}

// check is what the command check prints.
func (f facts) check(ctx context.Context) ([]byte, error) {
	var out bytes.Buffer
	r := &report{s: surroundings{&out, &out, f.s.getenv}}
	c := checkCommand{configFlag: f.configFlag}
	if f.cfg == nil {
		if err := c.refuse(r, f.wrong); !errors.Is(err, errSaidUsage) {
			return nil, err
		}
		return out.Bytes(), nil
	}
	c.test(ctx, r, f.cfg)
	err := r.verdict(ctx)
	if errors.Is(err, errSaid) {
		err = nil // it has a result, which is bad
	}
	return out.Bytes(), err
}

// host is what this program is, and where it runs.
func host(context.Context) ([]byte, error) {
	name, err := os.Hostname()
	if err != nil {
		name = err.Error()
	}
	text := fmt.Sprintf("%s\nhost %s\nuser %d\ntime %s\n", daemon.Version(), name, os.Geteuid(),
		time.Now().Format(time.RFC3339))
	more := files("/proc/version", "/proc/uptime", "/proc/loadavg", "/proc/meminfo", "/proc/pressure/io")
	return append([]byte(text), more...), nil
}
