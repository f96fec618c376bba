package spool

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Its name is valid on all file systems.
func TestEachRootHasAPlaceInASpoolElsewhere(t *testing.T) {
	long := "/srv/" + strings.Repeat("a long name ü/", 40)
	places := map[string]string{}
	for _, root := range []string{"/srv/a", "/srv/a:b", "/srv/a%3Ab", `C:\media`, `C:\media?`, "/srv/a|b<c>d\"*", long + "a", long + "b", "/srv/." + long} {
		dir := t.TempDir()
		place := Place(root, dir)
		if other, taken := places[filepath.Base(place)]; taken {
			t.Errorf("%s and %s share %s", root, other, place)
		}
		places[filepath.Base(place)] = root
		if strings.ContainsAny(filepath.Base(place), `<>:"/\|?*`) || filepath.Dir(place) != dir {
			t.Errorf("%s is %s, which is no name on Windows", root, place)
		}
		if err := os.Mkdir(place, 0o700); err != nil {
			t.Error(err)
		}
	}
}

// What is missing is the directory, or the right to link the files of another user.
func TestHintTellsWhichRightIsMissing(t *testing.T) {
	for err, want := range map[error]string{
		&os.PathError{Op: "mkdir", Path: "/m/.ems-sidecar", Err: syscall.EACCES}: "install -d -o USER",
		&os.LinkError{Op: "link", Old: "a", New: "b", Err: syscall.EPERM}:        "CAP_FOWNER",
		&os.LinkError{Op: "link", Old: "a", New: "b", Err: syscall.EXDEV}:        "on the file system",
	} {
		if got := hint(err); !strings.Contains(got, want) {
			t.Errorf("%v: %q, want %q in it", err, got, want)
		}
	}
}
