// Package testproc ends what tests start and mount when the test's process ends: also by the time
// limit of the Go tool, by a kill, or when memory runs out. Cleanups do not run then.
package testproc

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Bind makes a command die with this process, where the system can do that. It is called before the
// command starts.
func Bind(cmd *exec.Cmd) *exec.Cmd {
	bind(cmd)
	return cmd
}

// Enclose is to be called first in TestMain. Where it may, it runs the tests in a process with
// mounts of its own, which go with its last process, and with a directory for temporary files,
// which is removed when it ends. It returns in the process that is to run the tests.
func Enclose() { enclose("yes") }

// EncloseInMemory is Enclose for tests that write many small files and never wait for a disk: where
// it may, the directory for temporary files is in memory, which halves the work of the kernel. ext4
// is slowest for them: a new file does not get the inode of one that was removed in the last seconds,
// and so each looks at all of those.
func EncloseInMemory() { enclose(inMemory) }

// TempDirInMemory is t.TempDir for a test that writes many small files, in a package whose other tests
// need the file systems of disks. It is in memory if the tests are enclosed.
func TempDirInMemory(t testing.TB) string {
	t.Helper()
	return tempDir(t)
}

// inMemory is what enclosed says to a process that has yet to mount its directory for temporary
// files.
const inMemory = "in memory"

// ForgetAWS takes the machine's settings of AWS's SDK out of the environment. Tests are not about them,
// and each store, in each process, would read the certificates that AWS_CA_BUNDLE names.
func ForgetAWS() {
	for _, setting := range os.Environ() {
		if name, _, _ := strings.Cut(setting, "="); strings.HasPrefix(name, "AWS_") {
			_ = os.Unsetenv(name) // the name is one that is set
		}
	}
}

// Parallel lets n tests of a package, which mostly wait, run at the same time. It is to be called
// before the flags are parsed: -parallel on the command line overrides it.
func Parallel(n int) {
	if err := flag.Set("test.parallel", fmt.Sprint(n)); err != nil {
		panic(err) // not a test's binary
	}
}
