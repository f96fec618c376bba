package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

const (
	maxLogLines = "10000"
	// maxHostFile is how much is read of a file of /proc, in bytes.
	maxHostFile = 1 << 20
)

// log is the end of the unit's log in the journal.
func (f facts) log(ctx context.Context) ([]byte, error) {
	if _, err := exec.LookPath("journalctl"); err != nil {
		return nil, fmt.Errorf("this host has no journal: %w", err)
	}
	cmd := exec.CommandContext(ctx, "journalctl", "--unit", f.Unit, "--lines", maxLogLines, "--no-pager",
		"--output", "short-iso-precise")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("journalctl: %w: %s", err, strings.TrimSpace(errs.String()))
	}
	text := out.Bytes()
	if len(text) > maxSupportPart { // the newest lines say more
		text = text[len(text)-maxSupportPart:]
		text = text[bytes.IndexByte(text, '\n')+1:]
	}
	return text, nil
}

// mountSecret matches options of file systems that are secrets.
var mountSecret = regexp.MustCompile(`(?i)((?:pass|secret|token|key|cred)[a-z_-]*=)[^, ]+`)

// mounts are the file systems that this process sees.
func mounts(context.Context) ([]byte, error) {
	content, err := firstBytes("/proc/self/mounts")
	return mountSecret.ReplaceAll(content, []byte("${1}***")), err
}

// limits are what bounds the daemon on this host.
func limits(context.Context) ([]byte, error) {
	paths := []string{"/proc/self/limits"}
	found, err := filepath.Glob("/proc/[0-9]*/comm")
	if err != nil {
		return nil, err
	}
	for _, comm := range found {
		if name, err := firstBytes(comm); err == nil && strings.TrimSpace(string(name)) == "ems-sidecar" {
			dir := filepath.Dir(comm)
			paths = append(paths, dir+"/limits", dir+"/status")
		}
	}
	for _, pattern := range []string{"/proc/sys/fs/inotify/*", "/proc/sys/fs/file-*", "/proc/sys/fs/leases-enable",
		"/proc/sys/fs/lease-break-time", "/proc/sys/fs/protected_hardlinks"} {
		more, err := filepath.Glob(pattern)
		if err != nil {
			return nil, err
		}
		paths = append(paths, more...)
	}
	text := files(paths...)
	if len(text) == 0 {
		return nil, errors.New("this system has no /proc")
	}
	return text, nil
}

// files returns those that can be read, each below its name.
func files(paths ...string) []byte {
	var out bytes.Buffer
	for _, path := range paths {
		if content, err := firstBytes(path); err == nil { // a process may have ended
			fmt.Fprintf(&out, "\n==> %s\n%s", path, content)
		}
	}
	return out.Bytes()
}

func firstBytes(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxHostFile))
}
