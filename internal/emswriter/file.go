package emswriter

import (
	"cmp"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A disk is the file system as the writers use it. In tests it says what a watcher can see of that.
type disk struct {
	seen func(event, path string) // CREATE, CLOSE_WRITE or DELETE of inotify(7); nil outside of tests
	left *int                     // calls until the server is killed; nil: it lives on
}

// ErrKilled is what a writer returns when its server is killed.
var ErrKilled = errors.New("the server was killed")

// call is before each call that changes the disk.
func (d *disk) call() error {
	if d.left == nil {
		return nil
	}
	if *d.left == 0 {
		return ErrKilled
	}
	*d.left--
	return nil
}

// A file is open for writing.
type file struct {
	*os.File
	disk *disk
}

func (f *file) Close() error {
	err := f.File.Close()
	f.disk.see("CLOSE_WRITE", f.Name())
	return err
}

func (d *disk) see(event, path string) {
	if d.seen != nil {
		d.seen(event, path)
	}
}

// create makes the file, or truncates it in place.
func (d *disk) create(name string) (*file, error) {
	return d.open(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
}

// reopen opens a file that is there, to change it in place.
func (d *disk) reopen(name string) (*file, error) {
	return d.open(name, os.O_RDWR)
}

func (d *disk) open(name string, flag int) (*file, error) {
	if err := d.call(); err != nil {
		return nil, err
	}
	created := false
	if d.seen != nil && flag&os.O_CREATE != 0 {
		_, err := os.Lstat(name)
		created = os.IsNotExist(err)
	}
	f, err := os.OpenFile(name, flag, 0o644)
	if err != nil {
		return nil, err
	}
	if created {
		d.see("CREATE", name)
	}
	return &file{File: f, disk: d}, nil
}

// remove deletes a file, if it is there.
func (d *disk) remove(name string) error {
	if err := d.call(); err != nil {
		return err
	}
	err := os.Remove(name)
	if os.IsNotExist(err) {
		return nil
	}
	if err == nil {
		d.see("DELETE", name)
	}
	return err
}

// sweep deletes the files of a directory that match, in the directory's own order.
func (d *disk) sweep(dir string, match func(name string) bool) error {
	f, err := os.Open(dir)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	names, err := f.Readdirnames(-1)
	_ = f.Close()
	if err != nil {
		return err
	}
	for _, name := range names {
		if !match(name) {
			continue
		}
		if err := d.remove(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

func (d *disk) truncateAndWrite(name, text string) error {
	return d.write(name, os.O_TRUNC, text)
}

func (d *disk) appendTo(name, text string) error {
	return d.write(name, os.O_APPEND, text)
}

// write opens, writes once, and closes.
func (d *disk) write(name string, flag int, text string) error {
	f, err := d.open(name, os.O_WRONLY|os.O_CREATE|flag)
	if err != nil {
		return err
	}
	if err = d.call(); err == nil {
		_, err = f.WriteString(text)
	}
	return cmp.Or(err, f.Close())
}

func (d *disk) readAndRemove(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, f)
	_ = f.Close()
	if err != nil {
		return err
	}
	return d.remove(name)
}

// clock returns what a writer's Now returns, or the time.
func clock(now func() time.Time) time.Time {
	if now == nil {
		return time.Now()
	}
	return now()
}

func endsIn(suffix string) func(name string) bool {
	return func(name string) bool { return strings.HasSuffix(name, suffix) }
}
