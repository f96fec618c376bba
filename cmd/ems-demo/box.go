package main

import (
	"encoding/binary"
	"fmt"
)

const boxHeader = 8 // size and kind

// findBox returns what is in the box at a path of kinds, the first one where there are several. HDS
// and DASH have the same boxes (ISO/IEC 14496-12, section 4.2; F4V file format specification 10.1,
// section 1.3). What it returns is a part of b, to be changed in place.
func findBox(b []byte, path ...string) ([]byte, error) {
	for at := 0; at < len(b); {
		rest := b[at:]
		if len(rest) < boxHeader {
			return nil, fmt.Errorf("%d bytes are too few for a box", len(rest))
		}
		size, kind := int(binary.BigEndian.Uint32(rest)), string(rest[4:boxHeader])
		// EMS does not write the sizes 0 and 1, which mean "up to the end" and "64 bits follow".
		if size < boxHeader || size > len(rest) {
			return nil, fmt.Errorf("box %q says %d bytes where %d are left", kind, size, len(rest))
		}
		at += size
		if kind != path[0] {
			continue
		}
		body := rest[boxHeader:size]
		if len(path) == 1 {
			return body, nil
		}
		return findBox(body, path[1:]...)
	}
	return nil, fmt.Errorf("no box %s", path[0])
}

// findField returns n bytes of the box at the path, from an offset behind its header on.
func findField(b []byte, at, n int, path ...string) ([]byte, error) {
	body, err := findBox(b, path...)
	if err != nil {
		return nil, err
	}
	if len(body) < at+n {
		return nil, fmt.Errorf("box %s has no %d bytes at %d", path[len(path)-1], n, at)
	}
	return body[at : at+n], nil
}

// sequenceNumber returns the field of the fragment's number, which grows from fragment to fragment
// (ISO/IEC 14496-12, section 8.8.5).
func sequenceNumber(b []byte) ([]byte, error) { return findField(b, 4, 4, "moof", "mfhd") }

// A sample is one entry of a track run: a frame, or an FLV tag in HDS.
type sample struct {
	duration uint32
	size     int
	flags    uint32
}

// Bits of a sample's flags (ISO/IEC 14496-12, section 8.8.3.1).
const notSync = 0x00010000

// readSamples returns the samples of a fragment's track run (section 8.8.8) and checks that they
// are all that is in its mdat box.
func readSamples(b []byte) ([]sample, error) {
	run, err := findBox(b, "moof", "traf", "trun")
	if err != nil {
		return nil, err
	}
	media, err := findBox(b, "mdat")
	if err != nil {
		return nil, err
	}
	if len(run) < 8 {
		return nil, fmt.Errorf("box trun has %d bytes", len(run))
	}
	const (
		dataOffset = 0x0001
		firstFlags = 0x0004
		allFields  = 0x0f00 // duration, size, flags and composition time of each sample
		entry      = 16
	)
	flags, count := binary.BigEndian.Uint32(run), int(binary.BigEndian.Uint32(run[4:]))
	if flags&allFields != allFields {
		return nil, fmt.Errorf("box trun has flags %#x: not all fields of EMS's", flags)
	}
	run = run[8:]
	for _, bit := range []uint32{dataOffset, firstFlags} {
		if flags&bit != 0 {
			run = run[min(4, len(run)):]
		}
	}
	if count == 0 || len(run) != count*entry {
		return nil, fmt.Errorf("box trun has %d bytes for %d samples", len(run), count)
	}
	samples, total := make([]sample, count), 0
	for i := range samples {
		e := run[i*entry:]
		samples[i] = sample{
			duration: binary.BigEndian.Uint32(e),
			size:     int(binary.BigEndian.Uint32(e[4:])),
			flags:    binary.BigEndian.Uint32(e[8:]),
		}
		total += samples[i].size
	}
	if total != len(media) {
		return nil, fmt.Errorf("samples of %d bytes in a box mdat of %d", total, len(media))
	}
	return samples, nil
}
