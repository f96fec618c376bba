package main

import (
	"errors"
	"testing"
)

func makeTag(kind byte, ms uint32, body ...byte) tag {
	t := tag{kind, 0, 0, byte(len(body)), 0, 0, 0, 0, 0, 0, 0}
	t = append(append(t, body...), 0, 0, 0, byte(tagHeader+len(body)))
	t.setTime(ms)
	return t
}

func TestTagsAreReadOneByOne(t *testing.T) {
	header, key, sound := makeTag(videoTag, 5, 0x17, 0), makeTag(videoTag, 5, 0x17, 1, 9), makeTag(audioTag, 28, 0xaf, 1)
	media := append(append(append([]byte(nil), header...), key...), sound...)
	want := []tag{header, key, sound}
	n := 0
	for got, err := range tags(media) {
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want[n]) {
			t.Errorf("tag %d is % x, want % x", n, []byte(got), []byte(want[n]))
		}
		n++
	}
	if n != len(want) {
		t.Errorf("%d tags, want %d", n, len(want))
	}
	if !header.isHeader() || key.isHeader() || sound.isHeader() {
		t.Error("only the first has no frame")
	}
	if !key.isKeyFrame() || makeTag(videoTag, 0, 0x27, 1).isKeyFrame() {
		t.Error("0x17 is a key frame, 0x27 is none")
	}

	for cut := 1; cut < len(key); cut++ {
		var last error
		for _, last = range tags(media[:len(header)+cut]) {
		}
		if !errors.Is(last, errTag) {
			t.Errorf("%d of %d bytes of a tag: error %v", cut, len(key), last)
		}
	}
}

func TestTagTimeHasItsHighByteLast(t *testing.T) {
	for _, want := range []uint32{0, 1, 73124, 1<<24 - 1, 1 << 24, 0x89abcdef, 1<<32 - 1} {
		if got := makeTag(audioTag, want, 1).time(); got != want {
			t.Errorf("wrote %#x, read %#x", want, got)
		}
	}
	if b := makeTag(audioTag, 0x12345678); b[4] != 0x34 || b[5] != 0x56 || b[6] != 0x78 || b[7] != 0x12 {
		t.Errorf("the time is % x", []byte(b[4:8]))
	}
}
