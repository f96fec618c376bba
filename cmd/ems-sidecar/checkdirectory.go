package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"ems-sidecar/internal/disk"
	"ems-sidecar/uploader/spool"
)

const (
	maxWalked = 20_000 // entries of a watched directory that the check looks at
	maxNamed  = 3      // names of each kind of mistake
)

// checkDirectory tests a watched directory, and reports whether it can be read.
func checkDirectory(ctx context.Context, r *report, dir string) bool {
	as := judged()
	t, err := timed(ctx, r, "directory", dir, stepTime, func(ctx context.Context) (*tree, error) {
		return walk(ctx, dir, as)
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = advise(errors.New("it does not exist, and the daemon would wait for it"),
			"is it the directory into which the streams are written (of EMS, the targetFolder)?")
	case errors.Is(err, fs.ErrPermission):
		err = advise(errors.New("it cannot be read"), "give the user that runs the daemon read access, or its group")
	case err == nil:
		err = closedTo(as, dir, t.closed)
	}
	if !r.say("directory", dir, err) {
		return false
	}
	if t.links.n > 0 {
		r.warn("directory", dir, fmt.Sprintf("symbolic links are not followed, and nothing is published from %s: "+
			"watch the directories to which they lead, or mount those here (mount --bind)", t.links))
	}
	if t.cut {
		r.skip("the rest of "+dir, dir, fmt.Sprintf("only the first %d entries were looked at", maxWalked), "")
	}
	return true
}

// closedTo is the error about directories that an account, or this process if that is nil, cannot
// enter: those on the way to dir, dir itself, or those below.
func closedTo(as *account, dir string, below names) error {
	who := "this user"
	if as != nil {
		who = "the user " + as.name
		if above := as.stoppedAt(dir); above != "" {
			return advise(fmt.Errorf("%s cannot enter %s, and nothing in %s is published", who, above, dir),
				"give the user that runs the daemon the right to read and enter it: chmod o+rx, its group, "+
					"or an ACL such as setfacl -m u:"+daemonUser+":rx "+above)
		}
	}
	if below.n == 0 {
		return nil
	}
	return advise(
		fmt.Errorf("%s cannot enter its directories %s, and nothing in them is published", who, below),
		"give the user that runs the daemon the right to read and enter them: chmod o+rx, its group, "+
			"or an ACL such as setfacl -R -m u:"+daemonUser+":rX -d -m u:"+daemonUser+":rX "+dir)
}

func isMissing(dir string) bool {
	_, err := os.Lstat(dir)
	return errors.Is(err, fs.ErrNotExist)
}

// A tree is what was found wrong below a watched directory.
type tree struct {
	closed names // directories that cannot be entered
	links  names // symbolic links to directories
	cut    bool  // it has more entries than were looked at
}

// names are the first of many.
type names struct {
	first []string
	n     int
}

func (n *names) add(name string) {
	if n.n++; n.n <= maxNamed {
		n.first = append(n.first, name)
	}
}

func (n names) String() string {
	text := strings.Join(n.first, ", ")
	if more := n.n - len(n.first); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// walk looks at what is below a directory, for an account, or for this process if that is nil.
func walk(ctx context.Context, dir string, as *account) (*tree, error) {
	root, err := disk.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	t := &tree{}
	entries := 0
	err = fs.WalkDir(disk.Tree{Root: root}, ".", func(p string, e fs.DirEntry, err error) error {
		if entries++; entries > maxWalked {
			t.cut = true
			return fs.SkipAll
		}
		switch {
		case p == "." && err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, fs.ErrPermission):
			t.closed.add(p)
			return fs.SkipDir
		case err != nil, p == ".": // just deleted, or the directory itself
			return nil
		}
		return t.look(root, dir, p, e, as)
	})
	return t, err
}

// look looks at e, which is p below the directory dir, for an account, or for this process.
func (t *tree) look(root *os.Root, dir, p string, e fs.DirEntry, as *account) error {
	switch isHidden := path.Base(p)[0] == '.'; {
	case isHidden && e.IsDir():
		return fs.SkipDir
	case isHidden:
	case e.IsDir() && !mayRead(root, dir, p, as):
		t.closed.add(p)
		return fs.SkipDir
	case e.Type()&fs.ModeSymlink != 0:
		if i, err := os.Stat(dir + "/" + p); err == nil && i.IsDir() {
			t.links.add(p)
		}
	}
	return nil
}

// spool tests whether files of dir can be linked into the spool.
func (r *report) spool(ctx context.Context, dir, place string) {
	tested, err := timed(ctx, r, "spool", place, stepTime, func(context.Context) (bool, error) {
		return spool.Check(dir, place)
	})
	switch {
	case errors.Is(err, os.ErrPermission) && !capable(capFowner):
		r.skip("links into "+place, place, fmt.Sprintf("%v\nthe unit's CAP_FOWNER may allow it", err), withRights)
		return
	}
	if as := judged(); err == nil && as != nil {
		err = spoolClosedTo(as, dir, place)
	}
	r.hint("spool", place,
		"a file that is deleted before its upload is held open instead, and lost if the daemon ends first", err)
	if err == nil && !tested {
		r.more("not tested with a file of a stream, since none exists yet")
	}
}

// spoolClosedTo is the error if an account cannot write to the spool in place. The account makes the
// spool itself where it may.
func spoolClosedTo(as *account, dir, place string) error {
	existing := place
	for isMissing(existing) && existing != filepath.Dir(existing) {
		existing = filepath.Dir(existing)
	}
	fi, err := os.Stat(existing)
	if err != nil || as.may(writeAndEnter, existing, fi) {
		return err
	}
	return advise(fmt.Errorf("the user %s cannot write to %s", as.name, existing), fmt.Sprintf(
		"install -d -o %[1]s -g %[1]s -m 0700 %s, and have the unit allow it with ReadWritePaths=%s "+
			"(docs/install.md, The spool)", as.name, place, dir))
}

// checkDeletion tests the right that delete_local needs.
func checkDeletion(dir string) error {
	f, err := os.CreateTemp(dir, ".ems-sidecar-check-*") // a name that the daemon ignores
	if err == nil {
		err = errors.Join(f.Close(), os.Remove(f.Name()))
	}
	if err != nil {
		return advise(fmt.Errorf("delete_local = after_upload needs the right to delete here: %w", err),
			"give it to the user that runs the daemon, and set ReadWritePaths="+dir+" in its unit")
	}
	return nil
}
