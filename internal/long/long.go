// Package long has the flag -long, by which tests take as long as a thorough proof needs. Without
// it they prove the same in a short form, which every change runs. Only the packages that import
// this one have the flag: .ci/run --long finds them.
package long

import (
	"flag"
	"fmt"
	"testing"
	"time"
)

var (
	flagged = flag.Bool("long", false, "tests take their long form")
	watched = flag.Bool("browser", false, "tests with a real browser run, in their short form")
)

// Or returns what a test uses in its short form and in its long one. It must not be called before
// the flags are parsed.
func Or[T any](short, long T) T {
	if *flagged {
		return long
	}
	return short
}

// Only skips a test that has no short form. Its comment says what is tested in its place.
func Only(t testing.TB) {
	t.Helper()
	if !*flagged {
		t.Skip("runs with -long")
	}
}

// Browser skips a test in which real players watch streams in real time, unless -browser or -long is
// given. .ci/run has a step for it, so that go test ./... is a matter of minutes.
func Browser(t testing.TB) {
	t.Helper()
	if !*flagged && !*watched {
		t.Skip("runs with -browser or -long")
	}
}

// Int defines a flag for a test's own measure, whose default depends on the form.
func Int(name string, short, long int, usage string) (value func() int) {
	return orFlag(flag.Int(name, 0, described(usage, short, long)), short, long)
}

// Duration is Int for a time.
func Duration(name string, short, long time.Duration, usage string) (value func() time.Duration) {
	return orFlag(flag.Duration(name, 0, described(usage, short, long)), short, long)
}

func described(usage string, short, long any) string {
	return fmt.Sprintf("%s (default %v, with -long %v)", usage, short, long)
}

func orFlag[T comparable](given *T, short, long T) func() T {
	return func() T {
		var none T
		if *given != none {
			return *given
		}
		return Or(short, long)
	}
}
