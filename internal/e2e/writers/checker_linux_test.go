package writers

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"ems-sidecar/internal/hlscheck"
	"ems-sidecar/internal/s3test"
)

// A checker stands at the door of a row's bucket. At each PUT of a manifest it verifies that all
// that the manifest names is in the bucket, with the content that the manifest means.
type checker struct {
	t       *testing.T
	journal *journal
	bucket  string // the directory of the row's objects
	row     row

	mu        sync.Mutex // guards what follows
	marks     int
	puts      int            // of manifests
	rewritten int            // of them: the text is none that the writer wrote
	shown     map[string]int // by key, the number of the newest text of the writer that was put
	viewers   map[string]*viewer
	clocks    map[string]reading    // of MPDs over runs: what was shown last
	theirs    map[hlscheck.Rule]int // what the writer breaks by itself
	findings  []string
}

func newChecker(t *testing.T, j *journal, bucket string, r row) *checker {
	return &checker{t: t, journal: j, bucket: bucket, row: r, shown: map[string]int{},
		viewers: map[string]*viewer{}, clocks: map[string]reading{}, theirs: map[hlscheck.Rule]int{}}
}

// before sees a request on its way to the bucket.
func (c *checker) before(q *s3test.Request) {
	_, key, _ := strings.Cut(q.Key, "/") // the first directory is the row's
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.row.prefixed && q.Method == http.MethodPut && !isManifest(key) {
		c.prefixed(key, q)
	}
	if q.Method != http.MethodPut || q.Body == nil || int64(len(q.Body)) != q.Length {
		return
	}
	c.marks++
	c.journal.catchUp(c.marks)
	c.puts++
	r, err := readManifest(key, q.Body)
	if err != nil {
		c.found("%s cannot be read: %v", key, err)
		return
	}
	c.present(key, r)
	own := false
	if c.row.prefixed && r.media {
		c.rewritten++
		own = c.meantInRuns(key, q.Body, r)
	} else {
		own = c.meant(key, q.Body, r)
	}
	if r.began != "" && !c.row.reuses && c.row.config != nil {
		c.goesOn(key, r)
	}
	if r.media {
		c.inOrder(key, r)
		c.follows(key, q.Body, own)
	}
}

func (c *checker) found(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(c.findings, text) {
		c.findings = append(c.findings, text)
	}
}

// present verifies that the bucket has all that is named.
func (c *checker) present(key string, r reading) {
	for _, ref := range r.refs {
		name, own := ref.name(key)
		if name == "" {
			continue
		}
		if !own && !c.row.absolute {
			c.found("%s names the absolute address %s", key, ref.uri)
		}
		b, err := os.ReadFile(filepath.Join(c.bucket, name))
		switch {
		case err != nil:
			c.found("%s names %s, which is not in the bucket", key, name)
		case ref.offset+ref.length > len(b):
			c.found("%s names %d bytes of %s, and the bucket has %d", key, ref.offset+ref.length, name, len(b))
		}
	}
}

// A version is what a manifest was on the disk once.
type version struct {
	content
	reading
}

func (c *checker) versions(key string) (all []version) {
	for _, v := range c.journal.of(key) {
		if r, err := readManifest(key, v.text); err == nil { // else the writer is in the middle of it
			all = append(all, version{v, r})
		}
	}
	return all
}

// meant verifies the contents of what is named: those that the manifest means which the writer wrote.
// It reports whether the text is the writer's.
func (c *checker) meant(key string, body []byte, r reading) (known bool) {
	all := c.versions(key)
	sum := sha256.Sum256(body)
	var wrong []string
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].sum != sum {
			continue
		}
		found := c.wrong(key, all[:i+1], func(string) bool { return true })
		if !known || len(found) < len(wrong) {
			wrong = found
		}
		if known = true; len(found) == 0 {
			c.shown[key] = max(c.shown[key], all[i].number)
			break
		}
	}
	if !known {
		c.rewritten++
		last := r.lastSegment()
		for i := len(all) - 1; i >= 0 && r.began != ""; i-- {
			if r.endsWith(all[i].reading) { // an MPD over runs
				wrong = c.wrong(key, all[:i+1], func(string) bool { return true })
				break
			}
		}
		for i := len(all) - 1; i >= 0 && last != ""; i-- {
			// A rewritten list goes on to the last segment of a list of the writer's.
			if own := all[i].lastSegment(); own != "" && strings.HasSuffix(last, own) {
				wrong = c.wrong(key, all[:i+1],
					func(uri string) bool { return uri == all[i].refs[len(all[i].refs)-1].uri && uri == last })
				break
			}
		}
	} else if i := slices.IndexFunc(all,
		func(v version) bool { return v.number == c.shown[key] }); i >= 0 && len(wrong) == 0 &&
		!slices.ContainsFunc(all[i:], func(v version) bool { return v.sum == sum }) {
		c.found("%s goes back to an older text", key)
	}
	for _, w := range wrong {
		c.found("%s", w)
	}
	return known
}

// lateness is for how long a writer may leave a file open after it has named it.
const lateness = time.Second

// wrong returns what of the last version's references has another content in the bucket than is meant.
func (c *checker) wrong(key string, all []version, of func(uri string) bool) (found []string) {
	v := all[len(all)-1]
	for _, ref := range v.refs {
		if name, _ := ref.name(key); name != "" && !isManifest(name) && of(ref.uri) {
			first := len(all) - 1
			for first > 0 && all[first-1].names(ref.uri) {
				first--
			}
			since := -1
			if first > 0 {
				since = all[first-1].number
			}
			found = append(found, c.compare(key, name, ref, v, since, -1)...)
		}
	}
	for _, p := range v.patterns {
		next := math.MaxInt // of the next run
		for _, w := range slices.Backward(c.versions(key)) {
			if w.number > v.number && w.began != v.began {
				next = w.number
			}
		}
		for name := range c.written(p, path.Dir(key), v.number) {
			found = append(found, c.compare(key, name, ref{}, v, -1, next)...)
		}
	}
	return found
}

// named reports whether a manifest on the disk has ever named it.
func (c *checker) named(name string) bool {
	c.journal.mu.Lock()
	defer c.journal.mu.Unlock()
	for manifest, all := range c.journal.contents {
		for _, v := range all {
			if !isManifest(manifest) {
				break
			}
			r, err := readManifest(manifest, v.text)
			if err == nil && slices.ContainsFunc(r.refs, func(f ref) bool { n, _ := f.name(manifest); return n == name }) {
				return true
			}
		}
	}
	return false
}

// written returns the names below a directory that match a pattern, and that the writer had closed
// before it closed the one with the number.
func (c *checker) written(p *regexp.Regexp, dir string, before int) map[string]bool {
	names := map[string]bool{}
	c.journal.mu.Lock()
	defer c.journal.mu.Unlock()
	for name, all := range c.journal.contents {
		if rel, err := filepath.Rel(dir, name); err == nil && p.MatchString(rel) && all[0].number < before {
			names[name] = true
		}
	}
	return names
}

// compare compares an object with what the version means: what was closed last under the name before
// the version, but after the version in which it was not named yet; else what was closed a moment after it.
// A pattern means what comes later, too, up to the next run.
func (c *checker) compare(key, name string, r ref, v version, since, next int) []string {
	return c.compareAs(key, name, name, r, v, since, next)
}

// compareAs is compare for an object that is not called as the file.
func (c *checker) compareAs(key, name, object string, r ref, v version, since, next int) []string {
	contents := c.journal.of(name)
	var meant []content
	for _, e := range slices.Backward(contents) {
		if e.number < v.number && (e.number > since || len(meant) == 0) {
			meant = append(meant, e)
			break
		}
		if e.number > v.number && (e.at.Sub(v.at) < lateness || e.number < next) {
			meant = append(meant, e)
		}
	}
	if len(meant) == 0 {
		return nil // it was written before the journal began, or is not closed yet
	}
	b, err := os.ReadFile(filepath.Join(c.bucket, object))
	if err != nil {
		if len(v.patterns) > 0 {
			return []string{fmt.Sprintf("%s was put %v after %s was closed, which is not in the bucket", key,
				time.Since(meant[len(meant)-1].at).Round(time.Second), name)}
		}
		return nil // present tells
	}
	if r.length > 0 {
		disk, err := os.ReadFile(filepath.Join(c.journal.root, name))
		if end := r.offset + r.length; err == nil && end <= min(len(b), len(disk)) &&
			bytes.Equal(b[r.offset:end], disk[r.offset:end]) {
			return nil
		}
	}
	sum := sha256.Sum256(b)
	if slices.ContainsFunc(meant, func(e content) bool { return e.sum == sum }) {
		return nil
	}
	what := "which the writer never wrote"
	if names := c.journal.namesOf(sum); len(names) > 0 {
		what = "which is of another run"
	}
	return []string{fmt.Sprintf("%s means another content of %s than the bucket has, %s", key, object, what)}
}

// inOrder verifies that the contents of a list's segments were written in the order in which they are
// listed: a list that goes on over runs has the former run's contents first.
func (c *checker) inOrder(key string, r reading) {
	before, beforeName := -1, ""
	for _, ref := range r.refs {
		name, _ := ref.name(key)
		b, err := os.ReadFile(filepath.Join(c.bucket, name))
		if err != nil || !ref.segment || ref.length > 0 {
			continue // present tells
		}
		if file, offset, ok := pieceOf(name); ok {
			disk, _ := os.ReadFile(filepath.Join(c.journal.root, file)) // it may be gone
			has := func(e content) bool {
				return offset+len(b) <= len(e.text) && bytes.Equal(b, e.text[offset:offset+len(b)])
			}
			if !slices.ContainsFunc(append(c.journal.of(file), content{text: disk}), has) {
				c.found("%s is not what %s has from %d on", name, file, offset)
			}
			continue
		}
		number := -1
		for written, n := range c.journal.namesOf(sha256.Sum256(b)) {
			if strings.HasSuffix(name, path.Base(written)) {
				number = max(number, n)
			}
		}
		if number < 0 {
			c.found("%s names %s, whose content the writer never closed", key, name)
		} else if number <= before {
			c.found("%s lists %s after %s, and its content is older", key, name, beforeName)
		}
		before, beforeName = number, name
	}
}

// goesOn verifies what players rely on in a live MPD over runs: its clock stays, and so do the starts of
// Periods.
func (c *checker) goesOn(key string, r reading) {
	had, ok := c.clocks[key]
	c.clocks[key] = r
	if !ok {
		return
	}
	now, _ := time.Parse(time.RFC3339Nano, r.began) // else it differs
	if was, err := time.Parse(time.RFC3339Nano, had.began); err != nil || !now.Equal(was) {
		c.found("%s begins at %s, and began at %s", key, r.began, had.began)
	}
	both := 0
	for id, start := range r.starts {
		if was, ok := had.starts[id]; ok {
			if both++; was != start {
				c.found("the Period %s of %s begins at %s, and began at %s", id, key, start, was)
			}
		}
	}
	if both == 0 {
		c.found("%s has none of the Periods of before", key)
	}
}

// between are rules for what follows a version that writers break by themselves.
var between = []hlscheck.Rule{hlscheck.Discontinuity, hlscheck.DiscontinuityUp, hlscheck.Seams,
	hlscheck.Short, hlscheck.Changed,
	hlscheck.Target, hlscheck.Version, hlscheck.Type}

var pieceName = regexp.MustCompile(`^(.*)-(\d+)-[0-9a-f]{12}(\.\w+)$`)

// pieceOf returns of which file an object is a part that was split off, and where it begins.
func pieceOf(name string) (file string, offset int, ok bool) {
	m := pieceName.FindStringSubmatch(name)
	if m == nil {
		return "", 0, false
	}
	offset, err := strconv.Atoi(m[2])
	return m[1] + m[3], offset, err == nil
}

// follows lets a strict viewer judge how the list follows the one before. What is wrong with a text by
// itself is the writer's, and so is what is wrong between two of its texts.
func (c *checker) follows(key string, body []byte, own bool) {
	v := c.viewers[key]
	if v == nil {
		v = &viewer{Client: hlscheck.Client{Name: key, AfterEnd: 1}}
		c.viewers[key] = v
	}
	_, itself := hlscheck.Parse(body)
	for _, f := range hlscheck.Violations(v.See(time.Now(), body)) {
		theirs := own && v.own && slices.Contains(between, f.Rule) ||
			slices.ContainsFunc(itself, func(own hlscheck.Finding) bool { return own.Rule == f.Rule })
		// Where a name returns, a viewer cannot have two contents of it.
		cannot := c.row.reuses && (f.Rule == hlscheck.Number || f.Rule == hlscheck.Short || f.Rule == hlscheck.Changed)
		switch {
		case theirs:
			c.theirs[f.Rule]++
		case !cannot:
			c.found("%v", f)
		}
	}
	v.own = own
}

// A viewer sees the versions of a list.
type viewer struct {
	hlscheck.Client
	own bool // the newest version is a text of the writer
}
