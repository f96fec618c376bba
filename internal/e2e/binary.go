package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// binaryDir is where BuildBinary builds the command; Main makes and removes it.
var binaryDir string

// BuildBinary returns the path of the built command. The tests that start processes share it.
var BuildBinary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(binaryDir, "ems-sidecar")
	return path, Build("ems-sidecar/cmd/ems-sidecar", path)
})

// Build builds a command as it is shipped, without C. go run links once for all packages of tests,
// as long as nothing changes; go build would link for each of them. The binary is given to cp.
func Build(command, path string) error {
	if err := lookAtSources(); err != nil {
		return fmt.Errorf("look at the sources of %s: %w", command, err)
	}
	run := exec.Command("go", "run", "-exec", "cp", command, path)
	run.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := run.CombinedOutput(); err != nil {
		return fmt.Errorf("go run: %w\n%s", err, out)
	}
	return nil
}

// lookAtSources reads all directories of the module. The Go tool reuses the result of a test until
// what the test has looked at changes: that has to include the sources of the built command.
func lookAtSources() error {
	file, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return err
	}
	top := filepath.Dir(strings.TrimSpace(string(file)))
	return filepath.WalkDir(top, func(p string, d fs.DirEntry, err error) error {
		if err == nil && p != top && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules") && d.IsDir() {
			return fs.SkipDir
		}
		return err
	})
}
