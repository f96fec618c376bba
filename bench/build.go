package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// profileVariable names the file into which a daemon that was built with profileSource writes its
// CPU profile when it ends.
const profileVariable = "BENCH_PROFILE"

// The daemon gets this file only where a profile is asked for. It stops the profile at SIGTERM, with
// which the bench ends the daemon.
const profileSource = `package main

import (
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"
)

func init() {
	name := os.Getenv("` + profileVariable + `")
	if name == "" {
		return
	}
	f, err := os.Create(name)
	if err != nil {
		panic(err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		panic(err)
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM)
	go func() {
		<-end
		pprof.StopCPUProfile()
		f.Close()
	}()
}
`

// build builds the daemon of this checkout into dir.
func build(dir string, withProfile bool) (binary string, err error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "ems-sidecar").Output()
	if err != nil {
		return "", fmt.Errorf("find the checkout: %w (run it with go -C bench run .)", err)
	}
	top := strings.TrimSpace(string(out))
	binary = filepath.Join(dir, "sidecar")
	arguments := []string{"-C", top, "build", "-o", binary}
	if withProfile {
		overlay, err := overlay(dir, filepath.Join(top, "cmd", "ems-sidecar", "profile_bench.go"))
		if err != nil {
			return "", err
		}
		arguments = append(arguments, "-overlay", overlay)
	}
	cmd := exec.Command("go", append(arguments, "./cmd/ems-sidecar")...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the daemon: %w\n%s", err, text)
	}
	return binary, nil
}

// overlay has the Go tool see profileSource at a path at which there is no file.
func overlay(dir, path string) (string, error) {
	source, list := filepath.Join(dir, "profile.go"), filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(source, []byte(profileSource), 0o600); err != nil {
		return "", err
	}
	b, err := json.Marshal(map[string]map[string]string{"Replace": {path: source}})
	if err != nil {
		return "", err
	}
	return list, os.WriteFile(list, b, 0o600)
}
