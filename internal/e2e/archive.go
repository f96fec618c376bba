package e2e

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// An Archive remembers what encoders wrote.
type Archive struct {
	root string

	mu        sync.Mutex           // guards what follows
	Chunks    map[string][]content // by path, one for each run that used the name
	manifests map[text]edition     // of two versions within a millisecond, only the second
}

// A text is one that a manifest had once.
type text struct {
	key string
	sum [sha256.Size]byte
}

// An edition tells the run of a text, and when it was first there.
type edition struct {
	run int
	at  time.Time
}

// A content is the final one of a chunk in one run of its stream.
type content struct {
	Run   int
	sum   [sha256.Size]byte
	whole time.Time // from when on it is to be uploaded; zero as long as it is being written
}

// NewArchive returns an empty archive of what is written below root.
func NewArchive(root string) *Archive {
	return &Archive{root: root, Chunks: map[string][]content{}, manifests: map[text]edition{}}
}

// chunk remembers the content that the file will have in this run. It replaces what was remembered
// for the run before.
func (a *Archive) chunk(file string, run int, b []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	key, v := a.Key(file), content{Run: run, sum: sha256.Sum256(b)}
	for i, old := range a.Chunks[key] {
		if old.Run == run {
			a.Chunks[key][i] = v
			return
		}
	}
	a.Chunks[key] = append(a.Chunks[key], v)
}

// whole remembers that the files are closed, and to be uploaded after so long.
func (a *Archive) whole(after time.Duration, files ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, file := range files {
		written := a.Chunks[a.Key(file)]
		written[len(written)-1].whole = time.Now().Add(after)
	}
}

// Due returns, by key, the newest contents that were whole before the time.
func (a *Archive) Due(before time.Time) map[string]content {
	a.mu.Lock()
	defer a.mu.Unlock()
	due := map[string]content{}
	for key, written := range a.Chunks {
		for _, c := range written {
			if !c.whole.IsZero() && c.whole.Before(before) {
				due[key] = c
			}
		}
	}
	return due
}

// manifest remembers that the file as it is now belongs to the run.
func (a *Archive) manifest(run int, files ...string) error {
	for _, file := range files {
		b, err := os.ReadFile(file)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return err
		}
		a.mu.Lock()
		v, e := text{a.Key(file), sha256.Sum256(b)}, edition{run, time.Now()}
		if old, ok := a.manifests[v]; ok {
			e.at = old.at
		}
		a.manifests[v] = e
		a.mu.Unlock()
	}
	return nil
}

// Runs returns in which runs the content was one of the chunk; none if it never was, as a whole.
func (a *Archive) Runs(key string, content []byte) (runs []int) {
	return a.runsOf(key, sha256.Sum256(content))
}

// runsOf is Runs for content with that sum.
func (a *Archive) runsOf(key string, sum [sha256.Size]byte) (runs []int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, v := range a.Chunks[key] {
		if v.sum == sum {
			runs = append(runs, v.Run)
		}
	}
	return runs
}

// runOf returns the run to which a manifest belongs, if that is known.
func (a *Archive) runOf(key string, content []byte) (run int, known bool) {
	return a.runOfSum(key, sha256.Sum256(content))
}

// runOfSum is runOf for content with that sum.
func (a *Archive) runOfSum(key string, sum [sha256.Size]byte) (run int, known bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e, known := a.manifests[text{key, sum}]
	return e.run, known
}

func (a *Archive) editionOf(key string, content []byte) (e edition, known bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e, known = a.manifests[text{key, sha256.Sum256(content)}]
	return e, known
}

// Key returns the key of a file.
func (a *Archive) Key(file string) string {
	rel, err := filepath.Rel(a.root, file)
	if err != nil {
		panic(err)
	}
	return filepath.ToSlash(rel)
}
