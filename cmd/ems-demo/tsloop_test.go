package main

import (
	"bytes"
	"testing"
)

func TestLoopIsOneUnbrokenStream(t *testing.T) {
	segments, err := recordedSegments()
	if err != nil {
		t.Fatal(err)
	}
	l, err := newTSLoop(segments)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := l.duration, uint64(40*90000); got != want {
		t.Fatalf("one round lasts %d ticks, want %d: ten segments of 4 s", got, want)
	}

	for name, span := range map[string]struct {
		from, to int
		wraps    bool
	}{
		"three rounds from the start":     {0, 30, false},
		"where the 33-bit clocks go over": {23840, 23880, true},
	} {
		t.Run(name, func(t *testing.T) {
			const video = 256
			lastDTS := make(map[uint16]uint64)
			counters := make(map[uint16]int)
			var lastPCR uint64
			wraps := 0
			for n := span.from; n < span.to; n++ {
				segment := l.segment(n)
				if got, want := len(segment), len(segments[n%len(segments)]); got != want {
					t.Fatalf("segment %d has %d bytes, want %d as recorded", n, got, want)
				}
				for offset := 0; offset < len(segment); offset += packetSize {
					p := packet(segment[offset : offset+packetSize])

					last, seen := counters[p.pid()]
					if want := (last + 1) % 16; seen && p.counter() != want {
						t.Fatalf("segment %d, byte %d: PID %d counts %d, want %d", n, offset, p.pid(), p.counter(), want)
					}
					counters[p.pid()] = p.counter()

					if f := p.clockReference(); f != nil {
						pcr := readClockBase(f)
						// 2.7.2: a PCR at least every 100 ms.
						if d := (pcr - lastPCR) % clockWrap; lastPCR != 0 && (d == 0 || d > 9000) {
							t.Fatalf("segment %d, byte %d: the PCR goes on by %d ticks", n, offset, int64(d))
						}
						lastPCR = pcr
					}

					if h := p.pesHeader(); h != nil {
						dts := h.dts()
						last, seen := lastDTS[p.pid()]
						d := (dts - last) % clockWrap
						switch {
						case !seen:
						case p.pid() == video && d != 3600:
							t.Fatalf("segment %d, byte %d: %d ticks between two pictures, want 3600", n, offset, int64(d))
						case d == 0 || d > 9000:
							t.Fatalf("segment %d, byte %d: PID %d goes on by %d ticks", n, offset, p.pid(), int64(d))
						}
						if seen && dts < last {
							wraps++
						}
						lastDTS[p.pid()] = dts
					}
				}
			}
			if len(lastDTS) != 2 {
				t.Fatalf("timestamps on %d PIDs, want picture and sound", len(lastDTS))
			}
			if got := wraps > 0; got != span.wraps {
				t.Fatalf("the clocks went over: %v, want %v", got, span.wraps)
			}
		})
	}
}

func TestLoopLeavesTheRecordingAlone(t *testing.T) {
	segments, err := recordedSegments()
	if err != nil {
		t.Fatal(err)
	}
	before := bytes.Clone(segments[3])
	l, err := newTSLoop(segments)
	if err != nil {
		t.Fatal(err)
	}

	first, later := l.segment(3), l.segment(13)

	if !bytes.Equal(first, before) {
		t.Error("the first round differs from the recording")
	}
	if bytes.Equal(later, before) {
		t.Error("the second round is the same as the recording")
	}
	if !bytes.Equal(segments[3], before) {
		t.Error("the recording was changed")
	}
}

func TestLoopRefusesWhatCannotBeRepeated(t *testing.T) {
	segments, err := recordedSegments()
	if err != nil {
		t.Fatal(err)
	}
	noSync := bytes.Clone(segments[0])
	noSync[packetSize] = 0
	for name, broken := range map[string][][]byte{
		"nothing":          nil,
		"an empty segment": {segments[0], nil},
		"half a packet":    {segments[0][:packetSize*3+20]},
		"no sync byte":     {noSync},
		"time goes back":   {segments[1], segments[0]},
		"no video":         {segments[0][:2*packetSize]},
	} {
		if _, err := newTSLoop(broken); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestTimestampsKeepTheirMarkerBits(t *testing.T) {
	for _, want := range []uint64{0, 1, 90000, 1<<30 - 1, 1 << 30, 0x155555555, 1<<33 - 1} {
		field := []byte{0x21, 0x00, 0x01, 0x00, 0x01} // a PTS of 0: prefix 0010 and three markers

		writeTimestamp(field, want)

		if got := readTimestamp(field); got != want {
			t.Errorf("wrote %#x, read %#x", want, got)
		}
		if field[0]>>4 != 2 || field[0]&field[2]&field[4]&1 != 1 {
			t.Errorf("%#x: prefix or markers are lost: % x", want, field)
		}
	}
}
