package main

import "encoding/binary"

// hdsListed is how many fragments EMS's rolling bootstrap lists, fragmentBase what its F4M calls
// them, without their numbers.
const (
	hdsListed    = 5
	fragmentBase = "f4v"
)

// bootstrapSize is what EMS's bootstrap box always has: padding takes the place of a run that is
// not there.
const bootstrapSize = 139

// An hdsRun is an entry of a fragment run table: fragments of the same duration, from a number and
// a time on.
type hdsRun struct {
	number    int
	at, lasts uint64 // ms
}

// bootstrapBox returns EMS's bootstrap box of a live stream (F4V file format specification 10.1,
// section 2.11.2): so many fragments in segment 1, and a run for the oldest and one for the newest.
func bootstrapBox(fragments int, runs []hdsRun) []byte {
	newest := runs[len(runs)-1]
	b := make([]byte, 4, bootstrapSize)
	u32 := func(values ...uint32) {
		for _, v := range values {
			b = binary.BigEndian.AppendUint32(b, v)
		}
	}
	const live, timescale = 0x20, 1000
	b = append(b, "abst"...)
	u32(0, 1) // version and flags; BootstrapinfoVersion
	b = append(b, live)
	u32(timescale)
	b = binary.BigEndian.AppendUint64(b, newest.at+newest.lasts) // CurrentMediaTime
	u32(0, 0)                                                    // SmpteTimeCodeOffset
	// no movie identifier, servers, qualities, DRM data, metadata
	b = append(b, 0, 0, 0, 0, 0)

	b = append(b, 1)
	u32(25)
	b = append(b, "asrt"...)
	u32(0)
	b = append(b, 0) // no qualities
	u32(1, 1, uint32(fragments))

	b = append(b, 1)
	u32(uint32(21 + 16*len(runs)))
	b = append(b, "afrt"...)
	u32(0, timescale)
	b = append(b, 0) // no qualities
	u32(uint32(len(runs)))
	for _, r := range runs {
		u32(uint32(r.number))
		b = binary.BigEndian.AppendUint64(b, r.at)
		u32(uint32(r.lasts))
	}

	u32(uint32(bootstrapSize - len(b)))
	b = append(b, "free"...)
	for len(b) < bootstrapSize {
		b = append(b, 'w')
	}
	binary.BigEndian.PutUint32(b, bootstrapSize)
	return b
}
