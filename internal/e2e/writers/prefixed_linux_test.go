package writers

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"ems-sidecar/internal/s3test"
)

var (
	// runName is what the directory of a run is called.
	runName  = regexp.MustCompile(`^\d{8}T\d{6}\.\d{1,3}Z$`)
	runNames = regexp.MustCompile(`\b\d{8}T\d{6}\.\d{1,3}Z/`)
)

// plain returns what a file is called on the disk that has the name of a run in front.
func plain(name string) (onDisk string, inRun bool) {
	dir := path.Dir(name)
	if !runName.MatchString(path.Base(dir)) {
		return name, false
	}
	return path.Join(path.Dir(dir), path.Base(name)), true
}

// prefixed verifies the PUT of a file that has the name of its run in front: caches may keep it, and it
// replaces nothing.
func (c *checker) prefixed(key string, q *s3test.Request) {
	if _, inRun := plain(key); !inRun {
		c.found("%s has no name of a run", key)
	}
	if !strings.HasSuffix(q.CacheControl, "immutable") {
		c.found("%s is put with the Cache-Control %q", key, q.CacheControl)
	}
	if is, err := os.Stat(filepath.Join(c.bucket, key)); err == nil && is.Size() != q.Length {
		c.found("%s had %d bytes, and is put with %d", key, is.Size(), q.Length)
	}
}

// meantInRuns verifies the contents of what a list names. Behind the segments of former runs, it names
// what a list of the writer's names, with the same contents. It reports whether the text is the writer's,
// except for the names of runs and the end, which waits.
func (c *checker) meantInRuns(key string, body []byte, r reading) (own bool) {
	all := c.versions(key)
	text := runNames.ReplaceAllString(string(body), "")
	own = slices.ContainsFunc(all, func(v version) bool {
		return string(v.text) == text || strings.TrimSuffix(string(v.text), "#EXT-X-ENDLIST\n") == text
	})
	for i := len(all) - 1; i >= 0; i-- {
		if v := all[i]; c.endsAs(key, r, v.reading) {
			wrong := c.wrongInRuns(key, r, all[:i+1])
			for j := i - 1; j >= 0 && len(wrong) > 0; j-- { // the same text can be another run's
				if c.endsAs(key, r, all[j].reading) {
					wrong = c.wrongInRuns(key, r, all[:j+1])
				}
			}
			for _, w := range wrong {
				c.found("%s", w)
			}
			return own
		}
	}
	c.found("%s does not end as any list of the writer's", key)
	return own
}

// endsAs reports whether the segments that r lists last are those of a list of the writer's.
func (c *checker) endsAs(key string, r, own reading) bool {
	mine, theirs := r.segmentNames(key), own.segmentNames(key)
	if n := len(mine) - len(theirs); n >= 0 && len(theirs) > 0 {
		for i := range mine {
			mine[i], _ = plain(mine[i])
		}
		return slices.Equal(mine[n:], theirs)
	}
	return false
}

func (r reading) segmentNames(key string) (names []string) {
	for _, f := range r.refs {
		if name, _ := f.name(key); f.segment {
			names = append(names, name)
		}
	}
	return names
}

// wrongInRuns returns what of the last version's segments has another content in the bucket than is meant.
func (c *checker) wrongInRuns(key string, r reading, all []version) (found []string) {
	listed := r.segmentNames(key)
	v := all[len(all)-1]
	theirs := v.segmentNames(key)
	for i, name := range listed[len(listed)-len(theirs):] {
		first := len(all) - 1
		for first > 0 && slices.Contains(all[first-1].segmentNames(key), theirs[i]) {
			first--
		}
		since := -1
		if first > 0 {
			since = all[first-1].number
		}
		found = append(found, c.compareAs(key, theirs[i], name, ref{}, v, since, -1)...)
	}
	return found
}

// differencesInRuns compares a chunk on the disk with the objects of all runs.
func (b *bench) differencesInRuns(name string, disk []byte) (found []string) {
	if !b.checker.named(name) {
		return nil // by no list
	}
	objects, _ := filepath.Glob(filepath.Join(b.bucket, path.Dir(name), "*Z", path.Base(name)))
	for _, object := range objects {
		if is, err := os.ReadFile(object); err == nil && bytes.Equal(is, disk) {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s is on the disk and not among the %d objects of that name", name, len(objects))}
}

// foreign returns the objects of runs with contents that the writer never closed under their names.
func (b *bench) foreign() (found []string) {
	objects, _ := filepath.Glob(filepath.Join(b.bucket, "*", "*", "*Z", "*"))
	for _, object := range objects {
		content, err := os.ReadFile(object)
		if err != nil {
			continue // it was deleted meanwhile
		}
		name, _ := filepath.Rel(b.bucket, object)
		onDisk, _ := plain(name)
		if _, ok := b.checker.journal.namesOf(sha256.Sum256(content))[onDisk]; !ok {
			found = append(found, fmt.Sprintf("%s has a content that the writer never closed under that name", name))
		}
	}
	return found
}
