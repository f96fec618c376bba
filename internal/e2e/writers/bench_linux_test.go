package writers

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/s3test"
	"ems-sidecar/internal/testproc"
)

// A bench is where a row is played: a writer, the daemon, and a checker before the bucket.
type bench struct {
	t       *testing.T
	row     row
	dir     string // for what a writer needs beside its output
	root    string
	rtmp    string // address of nginx, with the application
	bucket  string
	checker *checker
	side    *e2e.Sidecar
}

// newBench returns one on which the daemon runs.
func newBench(t *testing.T, r row, server *s3test.Server, proxy *s3test.Proxy, d *door) *bench {
	t.Helper()
	dir := t.TempDir()
	b := &bench{t: t, row: r, dir: dir, root: filepath.Join(dir, "media"), bucket: filepath.Join(server.Dir, r.name)}
	e2e.Must(t, os.MkdirAll(filepath.Join(b.root, "live/cam"), 0o755))
	b.checker = newChecker(t, keepJournal(t, b.root, filepath.Join(dir, "marks")), b.bucket, r)
	d.admit(r.name, b.checker)
	config := append([]string{"S3 prefix = " + r.name, "HLS watch_dir = '" + b.root + "'",
		"DASH watch_dir = '" + b.root + "'",
		"Upload drain_timeout = 500ms"}, r.config...)
	b.side = e2e.StartSidecar(t, "", proxy.Endpoint, config...)
	return b
}

// fill puts the row's directories into a command.
func (b *bench) fill(text string) string {
	return strings.NewReplacer("@ROOT", b.root, "@DIR", b.dir).Replace(text)
}

// play plays the row and returns its line of the table.
func (b *bench) play() string {
	b.t.Helper()
	for _, s := range b.row.steps {
		if err := s(b); err != nil {
			b.t.Errorf("the writer fails: %v", err)
			break
		}
	}
	var unsettled []string
	for late := e2e.Patient.Deadline(settleTime); ; time.Sleep(100 * time.Millisecond) { // files give no sign
		if unsettled = b.differences(); len(unsettled) == 0 || late() {
			break
		}
	}
	probed, differ := b.probe()
	if code := b.side.Stop(); code != 0 {
		b.t.Errorf("exit code %d after SIGTERM", code)
	}
	c := b.checker
	c.mu.Lock()
	defer c.mu.Unlock()
	if b.row.prefixed {
		differ = append(differ, b.foreign()...)
	}
	findings := append(append(slices.Clone(c.findings), unsettled...), differ...)
	verdict := "good"
	for rule, n := range c.theirs {
		b.t.Logf("%s: the writer itself breaks %q %d times", b.row.name, rule, n)
	}
	if len(findings) > 0 {
		verdict = fmt.Sprintf("%d findings", len(findings))
	}
	for _, f := range findings[:min(len(findings), 12)] {
		b.t.Errorf("%s: %s", b.row.name, f)
	}
	for _, w := range b.side.Complaints() {
		b.t.Logf("%s: %s", b.row.name, w)
	}
	return fmt.Sprintf("| %s | %d | %d | %d | %s | %s |", b.row.name, len(e2e.FilesBelow(b.t,
		b.root)), c.puts, c.rewritten, probed, verdict)
}

// settleTime is how long what was written last may need into the bucket.
const settleTime = 15 * time.Second

// differences compares the disk with the bucket.
func (b *bench) differences() (found []string) {
	for _, name := range e2e.FilesBelow(b.t, b.root) {
		disk, err := os.ReadFile(filepath.Join(b.root, name))
		if err != nil || len(disk) == 0 || unpublished(name) || strings.HasSuffix(name, ".key") && !b.checker.named(name) {
			continue
		}
		object, err := os.ReadFile(filepath.Join(b.bucket, name))
		switch {
		case b.row.prefixed && !isManifest(name):
			found = append(found, b.differencesInRuns(name, disk)...)
		case b.row.ranges && !isManifest(name): // its ranges are there
		case err != nil:
			found = append(found, fmt.Sprintf("%s is on the disk and not in the bucket", name))
		case bytes.Equal(object, disk):
		case !isManifest(name):
			found = append(found, fmt.Sprintf("%s has %d bytes on the disk and other %d in the bucket",
				name, len(disk), len(object)))
		default:
			is, err := readManifest(name, object)
			want, err2 := readManifest(name, disk)
			suffix := want.media && strings.HasSuffix(is.lastSegment(), want.lastSegment())
			switch {
			case b.row.ranges:
				suffix = want.media && len(is.refs) >= len(want.refs)
			case is.began != "": // an end does not tell it
				suffix = is.endsWith(want)
			}
			if err != nil || err2 != nil || !suffix || is.ended != want.ended && b.row.config == nil {
				found = append(found, fmt.Sprintf("%s is not the newest in the bucket", name))
			}
		}
	}
	return found
}

// unpublished reports whether a file is one that its writer will rename, or cut into chunks.
func unpublished(name string) bool {
	base := filepath.Base(name)
	return strings.HasSuffix(base, ".tmp") || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "raw.m4")
}

// probe lets ffprobe read the row's manifests on the disk and in the bucket. The bucket's list may have
// more in front, of former runs.
func (b *bench) probe() (packets string, found []string) {
	var all []string
	for _, name := range b.row.play {
		disk, err := b.packets(filepath.Join(b.root, name))
		if err != nil {
			found = append(found, fmt.Sprintf("ffprobe cannot read %s on the disk: %v", name, err))
			continue
		}
		is, err := b.packets(filepath.Join(b.bucket, name))
		if err != nil {
			found = append(found, fmt.Sprintf("ffprobe cannot read %s in the bucket: %v", name, err))
			continue
		}
		longer := len(is) == len(disk) && (b.checker.rewrites() || b.row.outlive)
		for i := range disk {
			longer = longer && is[i] >= disk[i]
		}
		if !slices.Equal(is, disk) && !longer {
			found = append(found, fmt.Sprintf("ffprobe finds the packets %v of %s in the bucket, and %v on the disk", is, name, disk))
		}
		all = append(all, strings.Trim(fmt.Sprint(is), "[]"))
	}
	return strings.Join(all, "; "), found
}

func (c *checker) rewrites() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rewritten > 0
}

var period = []byte("<Period")

// packets returns how many ffprobe reads of each track. It would wait for what follows in a live MPD, so
// that it gets a copy that has ended. It reads one Period, the longest, of which an MPD that goes on
// lists little: the copy has the newest Period alone.
func (b *bench) packets(file string) (counts []int, err error) {
	if text, err := os.ReadFile(file); err == nil && strings.HasSuffix(file, ".mpd") {
		if first, last := bytes.Index(text, period), bytes.LastIndex(text, period); first < last {
			text = slices.Concat(text[:first], text[last:])
		}
		file = filepath.Join(filepath.Dir(file), ".ended.mpd")
		if err := os.WriteFile(file, bytes.Replace(text, []byte(`type="dynamic"`), []byte(`type="static"`), 1), 0o644); err != nil {
			return nil, err
		}
		defer os.Remove(file)
	}
	args := []string{"-v", "error", "-count_packets", "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0"}
	if text, err := os.ReadFile(file); err == nil && strings.HasSuffix(file, ".m3u8") {
		args = append(args, "-allowed_extensions", "ALL")
		if !readPlaylist(string(text)).ended { // it is read once, and so are those that a master names
			args = append(args, "-live_start_index", "0", "-m3u8_hold_counters", "2")
		}
	}
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	cmd := testproc.Bind(exec.CommandContext(ctx, "ffprobe", append(args, file)...))
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, errs.String())
	}
	for _, field := range strings.Fields(out.String()) {
		n := 0
		fmt.Sscan(strings.Trim(field, ","), &n)
		counts = append(counts, n)
	}
	if len(counts) == 0 {
		return nil, fmt.Errorf("no tracks: %s", errs.String())
	}
	return counts, nil
}
