package main

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// makeBox returns a box of a kind around its parts.
func makeBox(kind string, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	return append(binary.BigEndian.AppendUint32(nil, uint32(boxHeader+len(body))), append([]byte(kind), body...)...)
}

func TestBoxIsFoundAtItsPath(t *testing.T) {
	b := append(makeBox("free", []byte("trun")), makeBox("moof", makeBox("mfhd", []byte("1")), makeBox("traf", makeBox("trun", []byte("23"))))...)

	got, err := findBox(b, "moof", "traf", "trun")

	if err != nil || string(got) != "23" {
		t.Errorf("found %q (%v), want \"23\"", got, err)
	}
	got[0] = '9'
	if !bytes.Contains(b, []byte("trun93")) {
		t.Error("what was found is not a part of the whole")
	}
}

func TestBrokenBoxesAreNoBoxes(t *testing.T) {
	good := makeBox("moof", makeBox("mfhd", []byte("12345678")))
	for name, b := range map[string][]byte{
		"nothing":                       nil,
		"another box":                   makeBox("mdat"),
		"a box in another":              makeBox("free", good),
		"half a header":                 good[:5],
		"a box that is cut":             good[:len(good)-1],
		"no inner box":                  makeBox("moof"),
		"an inner box that is too long": makeBox("moof", []byte("\x00\x00\x00\x20mfhd12345678")),
		"a size of 0":                   []byte("\x00\x00\x00\x00moof"),
		"a size of 64 bits":             []byte("\x00\x00\x00\x01moof\x00\x00\x00\x00\x00\x00\x00\x10"),
		"a field behind the end":        makeBox("moof", makeBox("mfhd", []byte("1234567"))),
	} {
		if got, err := sequenceNumber(b); err == nil {
			t.Errorf("%s: found %q", name, got)
		}
	}
	if got, err := sequenceNumber(good); err != nil || string(got) != "5678" {
		t.Errorf("found %q (%v), want \"5678\"", got, err)
	}
}

func TestSamplesAreAllOfTheMedia(t *testing.T) {
	u32 := func(values ...uint32) []byte {
		var b []byte
		for _, v := range values {
			b = binary.BigEndian.AppendUint32(b, v)
		}
		return b
	}
	fragment := func(run []byte, media string) []byte {
		return append(makeBox("moof", makeBox("traf", makeBox("trun", run))), makeBox("mdat", []byte(media))...)
	}
	two := []uint32{40, 3, 0x02000000, 0, 23, 2, notSync, 0}
	dash := u32(append([]uint32{0x0f05, 2, 99, 0}, two...)...)
	hds := u32(append([]uint32{0x0f01, 2, 0}, two...)...)

	for name, run := range map[string][]byte{"DASH": dash, "HDS": hds} {
		samples, err := readSamples(fragment(run, "abcde"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if samples[0] != (sample{40, 3, 0x02000000}) || samples[1] != (sample{23, 2, notSync}) {
			t.Errorf("%s: samples are %+v", name, samples)
		}
	}
	for name, b := range map[string][]byte{
		"less media":      fragment(hds, "abcd"),
		"more media":      fragment(hds, "abcdef"),
		"no samples":      fragment(u32(0x0f01, 0, 0), ""),
		"half a sample":   fragment(hds[:len(hds)-8], "abcde"),
		"many samples":    fragment(u32(0x0f01, 1<<31, 0), "abcde"),
		"fewer fields":    fragment(u32(0x0301, 1, 0, 40, 5), "abcde"),
		"no offset":       fragment(u32(0x0f01, 1), "abcde"),
		"no trun":         makeBox("moof"),
		"an empty trun":   fragment(nil, "abcde"),
		"no media at all": makeBox("moof", makeBox("traf", makeBox("trun", hds))),
	} {
		if samples, err := readSamples(b); err == nil {
			t.Errorf("%s: samples %+v", name, samples)
		}
	}
}
