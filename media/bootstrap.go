package media

import (
	"errors"
	"fmt"
)

// A Bootstrap is the content of an HDS bootstrap file. It tells which fragments each media of an
// F4M has, but not the names of those media.
type Bootstrap struct {
	live   bool
	update bool // it has only the changes since the last full one

	now       uint64 // the time of the latest fragment's begin or end, in 1/timescale seconds
	timescale uint64

	segments          []segmentRun
	fragments         []fragmentRun
	fragmentTimescale uint64 // of fragments

	named []numbers // the fragments that it names, ascending
}

// A segmentRun is the segments from first on, up to those of the next run.
type segmentRun struct {
	first      uint64
	perSegment uint64 // fragments
	start      uint64 // the number of the first segment's first fragment
}

// A fragmentRun is the fragments from first on, up to those of the next run. With a duration of 0
// it has none, and marks a discontinuity.
type fragmentRun struct {
	first         uint64
	timestamp     uint64
	duration      uint64
	discontinuity byte
}

// Values of a DiscontinuityIndicator. 2 is one in the timestamps, 3 one in both.
const (
	endOfPresentation   = 0
	numberDiscontinuity = 1
	bothDiscontinuities = 3
)

// unknownCount is what Adobe's servers write as a live segment's number of fragments.
const unknownCount = 0xFFFFFFFF

// ParseBootstrap reads an abst box of either version; their fields are the same (F4V file format
// specification 10.1, section 2.11.2). What follows the box has no meaning.
func ParseBootstrap(b []byte) (Bootstrap, error) {
	abst, _, err := nextBox(b)
	if abst.name != "" && abst.name != "abst" {
		return Bootstrap{}, fmt.Errorf("bootstrap: it is a box %q and not abst", abst.name)
	}
	cut := errors.Is(err, errOverrun)
	var boot Bootstrap
	if err == nil {
		err = boot.read(&abst.fields)
		cut = errors.Is(err, errOverrun) && abst.openEnd
	}
	switch {
	case cut:
		return Bootstrap{}, fmt.Errorf("bootstrap: it ends after %d bytes: %w", len(b), ErrIncomplete)
	case err != nil:
		return Bootstrap{}, fmt.Errorf("bootstrap: %w", err)
	}
	boot.number()
	return boot, nil
}

func (boot *Bootstrap) read(f *fields) error {
	f.uint32() // version and flags
	f.uint32() // BootstrapinfoVersion
	flags := f.byte()
	boot.live = flags&0x20 != 0
	boot.update = flags&0x10 != 0
	boot.timescale = f.uint32()
	boot.now = f.uint64()
	f.uint64()            // SmpteTimeCodeOffset
	f.skipTexts(1)        // MovieIdentifier
	f.skipTexts(f.byte()) // ServerEntryTable
	f.skipTexts(f.byte()) // QualityEntryTable
	f.skipTexts(2)        // DrmData and MetaData
	segments, _ := readTable(f, "asrt", false)
	fragments, timescale := readTable(f, "afrt", true)
	boot.fragmentTimescale = timescale
	switch {
	case f.err != nil:
		return f.err
	case boot.update && (segments == nil || fragments == nil):
		return nil
	case segments == nil || fragments == nil:
		return errors.New("it has no run table")
	case boot.timescale == 0 || timescale == 0:
		return errors.New("its timescale is 0")
	}
	if err := boot.readSegments(segments); err != nil {
		return fmt.Errorf("asrt: %w", err)
	}
	if err := boot.readFragments(fragments); err != nil {
		return fmt.Errorf("afrt: %w", err)
	}
	return nil
}

// readTable reads the tables called name, and returns the runs of one of them. A bootstrap can have
// one for each quality. In an F4M each quality is a media of its own, whose name has no modifier:
// theirs is the table without. If all have one, players use the first.
func readTable(f *fields, name string, timed bool) (runs *fields, timescale uint64) {
	var modified bool
	for range f.byte() {
		table := f.box(name)
		table.uint32() // version and flags
		var units uint64
		if timed {
			units = table.uint32()
		}
		modifiers := table.byte()
		table.skipTexts(modifiers)
		if table.err != nil {
			f.fail(fmt.Errorf("%s: %w", name, table.err))
			return nil, 0
		}
		if runs == nil || modified && modifiers == 0 {
			runs, timescale, modified = &table, units, modifiers > 0
		}
	}
	return runs, timescale
}

// readSegments reads the runs of a Segment Run Table (section 2.11.2.1).
func (boot *Bootstrap) readSegments(f *fields) error {
	for range f.uint32() {
		r := segmentRun{first: f.uint32(), perSegment: f.uint32()}
		switch n := len(boot.segments); {
		case f.err != nil:
			return f.err
		case r.perSegment == 0:
			return fmt.Errorf("segment %d has no fragments", r.first)
		case n > 0 && r.first <= boot.segments[n-1].first:
			return fmt.Errorf("segment %d follows %d", r.first, boot.segments[n-1].first)
		}
		boot.segments = append(boot.segments, r)
	}
	if f.err == nil && len(boot.segments) == 0 {
		return errors.New("it has no runs")
	}
	return f.err
}

// readFragments reads the runs of a Fragment Run Table (section 2.11.2.2).
func (boot *Bootstrap) readFragments(f *fields) error {
	latest := uint64(0)
	for range f.uint32() {
		r := fragmentRun{first: f.uint32(), timestamp: f.uint64(), duration: f.uint32()}
		if r.duration == 0 {
			r.discontinuity = f.byte()
		}
		switch {
		case f.err != nil:
			return f.err
		case r.duration > 0 && r.first < latest:
			return fmt.Errorf("fragment %d follows %d", r.first, latest)
		case r.duration > 0:
			latest = r.first
		}
		boot.fragments = append(boot.fragments, r)
	}
	if f.err == nil && len(boot.fragments) == 0 {
		return errors.New("it has no runs")
	}
	return f.err
}
