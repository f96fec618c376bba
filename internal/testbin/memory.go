package testbin

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// lifetime is how long an answer is used. Later, the tool may have removed the command from its
// cache, as no one asked for it.
const lifetime = 24 * time.Hour

// An answer is what the Go tool said where a command is.
type answer struct {
	Sum  string    `json:"sum"`
	Path string    `json:"path"`
	At   time.Time `json:"at"`
}

// holds reports whether the answer is still true.
func (a answer) holds(sum string, now time.Time) bool {
	if age := now.Sub(a.At); a.Sum != sum || age < 0 || age > lifetime {
		return false
	}
	fi, err := os.Stat(a.Path)
	return err == nil && fi.Mode().IsRegular()
}

// remembered returns what the Go tool answered for that sum, or asks it. Of several processes that
// need an answer at the same time, one asks, and the others wait for it.
func remembered(name, sum string, ask func() (string, error)) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return ask() // there is no place to remember it
	}
	return rememberedIn(filepath.Join(cache, "ems-sidecar-tests"), name, sum, ask)
}

func rememberedIn(dir, name, sum string, ask func() (string, error)) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return ask()
	}
	owner, err := os.OpenFile(filepath.Join(dir, name+".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return ask()
	}
	defer owner.Close() // and what it has locked
	if err := lock(owner); err != nil {
		return "", fmt.Errorf("wait for who builds %s: %w", name, err)
	}
	file := filepath.Join(dir, name+".json")
	var a answer
	if b, err := os.ReadFile(file); err == nil && json.Unmarshal(b, &a) == nil && a.holds(sum, time.Now()) {
		return a.Path, nil
	}
	if a.Path, err = ask(); err != nil {
		return "", err
	}
	a.Sum, a.At = sum, time.Now()
	b, err := json.Marshal(a)
	if err != nil {
		return "", err
	}
	return a.Path, os.WriteFile(file, b, 0o600) // what is cut is asked for again
}
