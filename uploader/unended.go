package uploader

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

const (
	// unendedWait is how long a playlist without a line end at its end must stay as it is. A writer
	// that truncated it writes on within milliseconds.
	unendedWait = 500 * time.Millisecond
	// unendedPatience is how long the file that such a playlist names last may take to appear: then the
	// name counts as cut short.
	unendedPatience = 30 * time.Second
)

// An unended is a playlist whose last line had no line end when it was read.
type unended struct {
	sum   [sha256.Size]byte
	since time.Time // when this content was read first
	reads int       // of this content
}

// An unendedError is about a playlist that may be cut short, and is to be read again.
type unendedError struct {
	at   time.Time // when it is to be read again; zero: when it is closed next
	last string    // the file that it names last, which is not on the disk; "": its content may still change
}

func (e *unendedError) Error() string {
	if e.last == "" {
		return "its last line has no line end"
	}
	return fmt.Sprintf("its last line has no line end, and no file %s exists: perhaps it is cut short", e.last)
}

// checkEnd returns an [unendedError] if the playlist p may be cut short. It is not if it has a line
// end at its end. Else its writer means it so, if two readings agree, and if the file that is named
// last exists: of a name that was cut off, there is none.
func (src *Source) checkEnd(p string, m media.Manifest, sum [sha256.Size]byte, names *media.Names,
	now time.Time) error {
	if !m.Unended {
		delete(src.reported.unended, p)
		return nil
	}
	u := src.reported.unended[p]
	if u.reads == 0 || u.sum != sum {
		u = unended{sum: sum, since: now}
	}
	u.reads++
	src.reported.unended[p] = u
	if u.reads == 1 {
		return &unendedError{at: now.Add(unendedWait)}
	}
	last := src.missingLast(m, names)
	switch passed := now.Sub(u.since); {
	case last == "":
		return nil
	case passed < unendedPatience:
		return &unendedError{at: now.Add(max(passed, unendedWait)), last: last}
	}
	return &unendedError{last: last}
}

// missingLast returns the path of the file that m names last, if it is not on the disk. Of a file
// elsewhere, that is not known.
func (src *Source) missingLast(m media.Manifest, names *media.Names) string {
	var last media.Reference
	for ref := range m.References() {
		last = ref
	}
	files := lookup{src: src}
	defer files.close()
	name, _ := names.File(last.URI, files.have)
	if name != "" && files.have(name) {
		return ""
	}
	return name
}

// readUnended has a playlist read again that may be cut short. If that lasts, it is not published as
// it is.
func (src *Source) readUnended(ctx context.Context, p string, e *unendedError) {
	if e.at.IsZero() {
		src.unfit(ctx, p, e)
		return
	}
	src.uploader.tell(ctx, func(s *publish.Schedule, _ time.Time) { s.Reread(src.plan, p, e.at) })
}
