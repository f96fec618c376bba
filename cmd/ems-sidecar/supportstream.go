package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"path/filepath"
	"time"

	"ems-sidecar/admin/api"
	"ems-sidecar/config"
	"ems-sidecar/internal/daemon"
	"ems-sidecar/internal/disk"
	"ems-sidecar/uploader"
)

const (
	// maxListed is how many files, and how many keys, of a stream are listed.
	maxListed = 5000
	// maxEventPages is how many answers with events are asked for. The history has 10,000 events,
	// and an answer has 1,000.
	maxEventPages = 12
)

// ask returns a part that is an answer of the admin listener.
func (f facts) ask(path string) func(context.Context) ([]byte, error) {
	return func(ctx context.Context) ([]byte, error) {
		if f.client == nil {
			return nil, f.noClient
		}
		return f.client.Raw(ctx, path)
	}
}

// events are all that the daemon knows of, an answer in each line.
func (f facts) events(ctx context.Context) ([]byte, error) {
	var out []byte
	next := uint64(0)
	for range maxEventPages {
		answer, err := f.ask(fmt.Sprintf("/api/v1/events?since=%d", next))(ctx)
		if err != nil {
			return nil, err
		}
		var page api.Events
		if err := json.Unmarshal(answer, &page); err != nil {
			return nil, fmt.Errorf("/api/v1/events: %w", err)
		}
		if len(page.Events) == 0 {
			break
		}
		out, next = append(append(out, bytes.TrimSpace(answer)...), '\n'), page.Next
	}
	return out, nil
}

// stream lists the files of one stream, on the disk and in the bucket.
func (f facts) stream(ctx context.Context) ([]byte, error) {
	if f.client == nil {
		return nil, f.noClient
	}
	answer, err := f.client.Streams(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range answer.Streams { // the worst first
		if f.Stream == "" || s.Stream == f.Stream {
			return f.list(ctx, s), nil
		}
	}
	if f.Stream != "" {
		return nil, fmt.Errorf("the daemon has no stream %s", f.Stream)
	}
	return nil, errors.New("the daemon has no stream")
}

// list lists a stream. What cannot be listed is a line.
func (f facts) list(ctx context.Context, s api.Stream) []byte {
	var out bytes.Buffer
	dir := filepath.Join(s.Root, filepath.FromSlash(cmp.Or(s.Directory, s.Stream)))
	fmt.Fprintf(&out, "%s stream %s, %s\n\non the disk, in %s\n", s.Format, s.Stream, s.State, dir)
	directories, err := listFiles(ctx, &out, dir)
	if err != nil {
		fmt.Fprintln(&out, "not to the end:", err)
	}
	fmt.Fprintf(&out, "\nin the bucket %s\n", s.Bucket)
	if err := f.listKeys(ctx, &out, s, directories); err != nil {
		fmt.Fprintln(&out, "not to the end:", err)
	}
	return out.Bytes()
}

var errEnough = fmt.Errorf("only the first %d are listed", maxListed)

// listFiles lists the files in a directory and below it, and returns the directories.
func listFiles(ctx context.Context, out *bytes.Buffer, dir string) (directories []string, err error) {
	root, err := disk.OpenRoot(dir)
	if err != nil {
		return []string{"."}, err
	}
	defer root.Close()
	n := 0
	err = fs.WalkDir(disk.Tree{Root: root}, ".", func(p string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			fmt.Fprintf(out, "%s: %v\n", p, err)
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case e.IsDir():
			directories = append(directories, p)
			return nil
		}
		if n++; n > maxListed {
			return errEnough
		}
		if i, err := e.Info(); err == nil { // else just deleted
			listed(out, p, i.Size(), i.ModTime())
		}
		return nil
	})
	return directories, err
}

// listKeys lists the objects whose keys are in the stream's directories.
func (f facts) listKeys(ctx context.Context, out *bytes.Buffer, s api.Stream, directories []string) error {
	for _, u := range f.cfg.Uploads {
		if u.Format.String() == s.Format {
			return f.listSection(ctx, out, s, u, directories)
		}
	}
	return errors.New("the config has no section for its format: did it change?")
}

func (f facts) listSection(ctx context.Context, out *bytes.Buffer, s api.Stream, u config.Upload,
	directories []string) error {
	store, err := daemon.OpenStore(ctx, u, f.cfg.Upload, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer store.Close()
	n := 0
	key := s.Key
	if s.Directory != "" { // with all streams in it
		key = path.Dir(key)
	}
	for _, dir := range directories {
		err := store.List(ctx, path.Join(key, dir)+"/", "", func(key string, i uploader.ObjectInfo) error {
			if n++; n > maxListed {
				return errEnough
			}
			listed(out, key, i.Size, i.Stored)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func listed(out *bytes.Buffer, name string, size int64, at time.Time) {
	fmt.Fprintf(out, "%s %12d  %s\n", at.UTC().Format("2006-01-02T15:04:05.000Z"), size, printable(name))
}
