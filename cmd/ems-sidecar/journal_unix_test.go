//go:build unix

package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ems-sidecar/config"
	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/testproc"
)

// fakeJournal listens as systemd's journal does, and returns where.
func fakeJournal(t *testing.T, path string) *net.UnixConn {
	t.Helper()
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	e2e.Must(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

// receive returns the fields of the next entry.
func receive(t *testing.T, l *net.UnixConn) map[string]string {
	t.Helper()
	e2e.Must(t, l.SetReadDeadline(time.Now().Add(30*time.Second)))
	entry := make([]byte, 1<<20)
	n, err := l.Read(entry)
	e2e.Must(t, err)
	fields := map[string]string{}
	for rest := entry[:n]; len(rest) > 0; {
		line, after, ok := bytes.Cut(rest, []byte("\n"))
		if !ok {
			t.Fatalf("no end of line: %q", rest)
		}
		name, value, short := strings.Cut(string(line), "=")
		if !short {
			size := binary.LittleEndian.Uint64(after)
			value, after = string(after[8:8+size]), after[8+size:]
			if after[0] != '\n' {
				t.Fatalf("no line break behind %s", name)
			}
			after = after[1:]
		}
		if _, twice := fields[name]; !twice { // of several, the journal finds each
			fields[name] = value
		}
		rest = after
	}
	return fields
}

// journalLog returns a log with entries for the journal at path.
func journalLog(t *testing.T, path string, json bool) *slog.Logger {
	t.Helper()
	conn, err := dialJournal(path)
	e2e.Must(t, err)
	t.Cleanup(func() { conn.conn.Close() })
	format := new(atomic.Bool)
	format.Store(json)
	return slog.New(logReader{conn, journalData}.handler(conn, format, slog.LevelInfo))
}

func TestJournalGetsEachAttributeAsAField(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	l := fakeJournal(t, path)
	for _, json := range []bool{false, true} {
		log := journalLog(t, path, json)
		log.Debug("this is below the level")
		log.With("root", "/srv").WithGroup("store").Warn("stream stalled", "stream", "news/sport", "err", errors.New("one\ntwo"),
			"message", "not the message", "9-lives_x", 7, "secret", config.Secret("hunter2"), slog.Group("at", "since", time.Unix(0, 0).UTC()))
		got := receive(t, l)
		for field, want := range map[string]string{
			"PRIORITY": "4", "MSG": "stream stalled", "SYSLOG_IDENTIFIER": "ems-sidecar", "ROOT": "/srv",
			"STORE_STREAM": "news/sport", "STORE_ERR": "one\ntwo", "STORE_9_LIVES_X": "7", "STORE_SECRET": "***",
			"STORE_AT_SINCE": "1970-01-01T00:00:00Z", "STORE_MESSAGE": "not the message",
		} {
			if got[field] != want {
				t.Errorf("%s=%q, want %q", field, got[field], want)
			}
		}
		if m := got["MESSAGE"]; !strings.Contains(m, "news/sport") || strings.Contains(m, "\n") || json != strings.HasPrefix(m, "{") {
			t.Errorf("MESSAGE=%q", m)
		}
		if all := strings.Join(fieldsOf(got), " "); strings.Contains(all, "hunter2") {
			t.Errorf("a secret: %s", all)
		}
	}
}

func fieldsOf(entry map[string]string) (all []string) {
	for k, v := range entry {
		all = append(all, k+"="+v)
	}
	return all
}

func TestFieldsThatSayWhoLogsAreNoAttributes(t *testing.T) {
	for key, want := range map[string]string{
		"stream": "STREAM", "message": "", "priority": "", "_pid": "PID", "1st": "ST", "größe": "GR__E", "": "", "___": "",
		strings.Repeat("x", 100): strings.Repeat("X", maxFieldName),
	} {
		if got := fieldName(key); got != want {
			t.Errorf("%q: %q, want %q", key, got, want)
		}
	}
}

// Names of streams and answers of stores are as long as others want.
func TestEntriesForTheJournalAreBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	l := fakeJournal(t, path)
	log := journalLog(t, path, false)
	var attrs []any
	for i := range 2 * maxFields {
		attrs = append(attrs, "a"+strings.Repeat("b", i), strings.Repeat("ü", maxMessage))
	}
	log.Info("large", attrs...)
	got := receive(t, l)
	if len(got) > maxFields+4 || len(got["MESSAGE"]) > maxMessage || len(got["A"]) != maxFieldValue {
		t.Errorf("%d fields, a message of %d bytes, a field of %d", len(got), len(got["MESSAGE"]), len(got["A"]))
	}
}

func TestJournalThatIsStartedAgainGetsTheNextEntries(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	l := fakeJournal(t, path)
	log := journalLog(t, path, false)
	log.Info("one")
	receive(t, l)
	l.Close()
	e2e.Must(t, os.RemoveAll(path))
	log.Info("there is no journal")
	l = fakeJournal(t, path)
	log.Info("two")
	if got := receive(t, l); got["MSG"] != "two" {
		t.Errorf("%q", got)
	}
}

// The whole way: the built binary, the real journal in a mount namespace of its own, and journalctl.
func TestJournalctlFindsTheLinesOfAStream(t *testing.T) {
	t.Parallel()
	const journald = "/usr/lib/systemd/systemd-journald"
	if _, err := os.Stat(journald); err != nil {
		t.Skip("no systemd-journald")
	}
	if err := exec.Command("unshare", "--mount", "true").Run(); err != nil {
		t.Skip("cannot mount: ", err)
	}
	binary, err := e2e.BuildBinary()
	e2e.Must(t, err)
	root := t.TempDir()
	e2e.Put(t, root, "news/sport/1.ts", "one")
	e2e.Put(t, root, "news/sport/playlist.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n1.ts\n")
	ini := filepath.Join(t.TempDir(), "config.ini")
	e2e.Must(t, os.WriteFile(ini, []byte(e2e.ConfigFor(root, "http://127.0.0.1:1", e2e.FreeAddress(t), "Upload drain_timeout = 0", "Log format = json")), 0o600))
	script := `set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/journal /run/log/journal/$(cat /etc/machine-id)
` + journald + ` >/dev/null 2>&1 &
journal=$!
trap 'kill $journal' EXIT
while ! [ -S /run/systemd/journal/stdout ]; do sleep 0.1; done
systemd-cat sh -c 'JOURNAL_STREAM=$(stat --dereference --format=%d:%i /proc/self/fd/2) exec "$0" run --config "$1"' "$0" "$1" &
side=$!
for i in $(seq 300); do
	found=$(journalctl --quiet --output=export STREAM=news/sport PRIORITY=4 PRIORITY=3)
	[ -z "$found" ] || break
	sleep 0.1
done
kill $side
wait $side || true
echo "$found"`
	cmd := testproc.Bind(exec.Command("unshare", "--mount", "sh", "-c", script, binary, ini))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"\n_TRANSPORT=journal\n", "\nSTREAM=news/sport\n", "\nKEY=news/sport/", "\nSYSLOG_IDENTIFIER=ems-sidecar\n", "\nMESSAGE={\"time\":"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
