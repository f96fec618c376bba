package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"

	"ems-sidecar/internal/testbin"
)

// binaryDir is where BuildBinary puts the command; Main makes and removes it.
var binaryDir string

// BuildBinary returns the path of the built command. The tests that start processes share it.
var BuildBinary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(binaryDir, "ems-sidecar")
	return path, Build("ems-sidecar/cmd/ems-sidecar", path)
})

// Build builds a command as it is shipped, without C, and copies it to where other users can run it.
// cp copies: the commands that other tests start meanwhile would have the file open for writing for a
// moment, if this process had.
func Build(command, path string) error {
	built, err := testbin.Command(command)
	if err != nil {
		return err
	}
	if out, err := exec.Command("cp", built, path).CombinedOutput(); err != nil {
		return fmt.Errorf("cp: %w\n%s", err, out)
	}
	return nil
}
