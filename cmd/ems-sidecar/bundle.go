package main

import (
	"archive/tar"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// maxSupportPart is the largest file of the archive, in bytes: of a longer one, the end is left out.
const maxSupportPart = 4 << 20

// A bundle is the archive of the command support.
type bundle struct {
	tar     *tar.Writer
	hide    func(string) string
	at      time.Time
	lines   []string // of the MANIFEST
	missing []string
}

func newBundle(w io.Writer, hide func(string) string) *bundle {
	return &bundle{tar: tar.NewWriter(w), hide: hide, at: time.Now()}
}

// add adds a file, or why it is missing. All that others wrote goes through hide.
func (b *bundle) add(name string, content []byte, missing error) error {
	if missing != nil {
		line := b.hide(name + ": " + missing.Error())
		b.missing = append(b.missing, line)
		b.lines = append(b.lines, "missing  "+line)
		return nil
	}
	hidden, cut := []byte(b.hide(string(content))), "" // before it is cut: half a secret is not found
	if len(hidden) > maxSupportPart {
		hidden, cut = hidden[:maxSupportPart], ", cut"
	}
	b.lines = append(b.lines, fmt.Sprintf("%8s  %s%s", humanize.IBytes(uint64(len(hidden))), name, cut))
	return b.put(name, hidden)
}

func (b *bundle) put(name string, content []byte) error {
	err := b.tar.WriteHeader(&tar.Header{Name: path.Join("ems-sidecar-support", name), Typeflag: tar.TypeReg,
		Mode: 0o600, Size: int64(len(content)), ModTime: b.at})
	if err == nil {
		_, err = b.tar.Write(content)
	}
	return err
}

// end writes the MANIFEST: what is there, and what is not.
func (b *bundle) end(version string) error {
	text := "What \"ems-sidecar support\" found at " + b.at.UTC().Format(time.RFC3339) + ". Secrets are left out.\n" +
		version + "\n\n" + strings.Join(b.lines, "\n") + "\n"
	if err := b.put("MANIFEST", []byte(text)); err != nil {
		return err
	}
	return b.tar.Close()
}
