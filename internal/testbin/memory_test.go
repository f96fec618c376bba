package testbin

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// A tool counts how often it is asked for the command.
type tool struct {
	mu    sync.Mutex
	asked int
	path  string
}

func (o *tool) ask() (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked++
	return o.path, os.WriteFile(o.path, []byte("a command"), 0o700)
}

func newTool(t *testing.T) (o *tool, dir string) {
	t.Helper()
	return &tool{path: filepath.Join(t.TempDir(), "command")}, filepath.Join(t.TempDir(), "memory")
}

// wants has the answer asked for, and compares how often the tool was.
func (o *tool) wants(t *testing.T, dir, sum string, asked int) {
	t.Helper()
	if got, err := rememberedIn(dir, "command", sum, o.ask); err != nil || got != o.path {
		t.Fatalf("the command is at %q (%v), want %q", got, err, o.path)
	}
	if o.asked != asked {
		t.Errorf("the tool was asked %d times, want %d", o.asked, asked)
	}
}

func TestOneAnswerServesAllWhoNeedTheSame(t *testing.T) {
	o, dir := newTool(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := rememberedIn(dir, "command", "1", o.ask); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	o.wants(t, dir, "1", 1)
}

func TestToolIsAskedAgainWhenSourcesChangeOrTheCommandIsGone(t *testing.T) {
	o, dir := newTool(t)
	o.wants(t, dir, "1", 1)
	o.wants(t, dir, "2", 2)
	if err := os.Remove(o.path); err != nil {
		t.Fatal(err)
	}
	o.wants(t, dir, "2", 3)
	if err := os.WriteFile(filepath.Join(dir, "command.json"), []byte(`{"sum":"2`), 0o600); err != nil {
		t.Fatal(err)
	}
	o.wants(t, dir, "2", 4)
}

func TestAnswersGetOld(t *testing.T) {
	now := time.Now()
	file := filepath.Join(t.TempDir(), "command")
	if err := os.WriteFile(file, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		age   time.Duration
		holds bool
	}{{0, true}, {lifetime, true}, {lifetime + 1, false}, {-1, false}} {
		if got := (answer{"1", file, now.Add(-test.age)}).holds("1", now); got != test.holds {
			t.Errorf("after %v it holds: %v", test.age, got)
		}
	}
}

func TestFailuresAreNotRemembered(t *testing.T) {
	o, dir := newTool(t)
	broken := errors.New("does not compile")
	_, err := rememberedIn(dir, "command", "1", func() (string, error) { return "", broken })
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	o.wants(t, dir, "1", 1)
}
