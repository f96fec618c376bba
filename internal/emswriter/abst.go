package emswriter

import (
	"encoding/binary"
	"time"
)

// An abst is the bootstrap info box of HDS (Adobe's HTTP Dynamic Streaming specification 1.0,
// section 2.6.5.2), of which EMS keeps a copy in the file bootstrap and one in each fragment. The
// specification wants one run of fragments for each change of duration; EMS has a run for the
// oldest and one for the newest.
type abst struct {
	fragments int // in segment 1
	first     run
	newest    *run // nil as long as there is only one fragment
	ended     bool
}

// A run is one entry of the fragment run table, for fragments of the same duration.
type run struct {
	fragment int // the first one's number
	at       time.Duration
	lasts    time.Duration
}

const abstSize = 139 // always: padding takes the place of the runs that are not there

// bytes returns the box.
func (a abst) bytes() []byte {
	current, version, flags := a.first, uint32(1), byte(live)
	if a.newest != nil {
		current = *a.newest
	}
	if a.ended {
		version, flags = 2, 0
	}
	b := box("abst")
	b = append(b, 0, 0, 0, 0) // version and flags of the box
	b = binary.BigEndian.AppendUint32(b, version)
	b = append(b, flags)
	b = binary.BigEndian.AppendUint32(b, timescale)
	b = binary.BigEndian.AppendUint64(b, uint64((current.at + current.lasts).Milliseconds()))
	b = append(b, make([]byte, 8)...) // SMPTE time code offset
	b = append(b, 0, 0, 0, 0, 0)      // no movie identifier, servers, qualities, DRM, metadata
	b = append(append(b, 1), a.segmentRuns()...)
	b = append(append(b, 1), a.fragmentRuns()...)
	if !a.ended {
		b = append(b, closeBox(box("free"), abstSize-len(b))...)
	}
	return closeBox(b, abstSize)
}

func (a abst) segmentRuns() []byte {
	b := box("asrt")
	b = append(b, 0, 0, 0, 0)               // version and flags
	b = append(b, 0)                        // no qualities
	b = binary.BigEndian.AppendUint32(b, 1) // entry
	b = binary.BigEndian.AppendUint32(b, 1) // first segment
	b = binary.BigEndian.AppendUint32(b, uint32(a.fragments))
	return closeBox(b, len(b))
}

func (a abst) fragmentRuns() []byte {
	runs := []run{a.first}
	if a.newest != nil {
		runs = append(runs, *a.newest)
	}
	if a.ended {
		if a.newest == nil {
			runs = append(runs, a.first)
		}
		runs = append(runs, run{})
	}
	b := box("afrt")
	b = append(b, 0, 0, 0, 0) // version and flags
	b = binary.BigEndian.AppendUint32(b, timescale)
	b = append(b, 0) // no qualities
	b = binary.BigEndian.AppendUint32(b, uint32(len(runs)))
	for _, r := range runs {
		b = binary.BigEndian.AppendUint32(b, uint32(r.fragment))
		b = binary.BigEndian.AppendUint64(b, uint64(r.at.Milliseconds()))
		b = binary.BigEndian.AppendUint32(b, uint32(r.lasts.Milliseconds()))
	}
	if a.ended {
		b = append(b, 0) // discontinuity: the end of the presentation
	}
	return closeBox(b, len(b))
}

const (
	live      = 0x20
	timescale = 1000 // per second, of all times that EMS writes
)

// box returns a box's header; its size is not known yet.
func box(kind string) []byte { return append(make([]byte, 4, abstSize), kind...) }

// closeBox pads the box that b is and notes its size.
func closeBox(b []byte, size int) []byte {
	for len(b) < size {
		b = append(b, padding)
	}
	binary.BigEndian.PutUint32(b, uint32(size))
	return b
}
