package main

// A packet is one MPEG-TS packet, changed in place. Numbers in parentheses are sections of
// ISO/IEC 13818-1.
type packet []byte

func (p packet) pid() uint16           { return uint16(p[1]&0x1f)<<8 | uint16(p[2]) }
func (p packet) counter() int          { return int(p[3] & 0x0f) }
func (p packet) setCounter(c int)      { p[3] = p[3]&0xf0 | byte(c)&0x0f }
func (p packet) hasPayload() bool      { return p[3]&0x10 != 0 }
func (p packet) startsUnit() bool      { return p[1]&0x40 != 0 }
func (p packet) hasAdaptation() bool   { return p[3]&0x20 != 0 }
func (p packet) adaptationLength() int { return int(p[4]) }

// payload is nil where there is none (2.4.3.3).
func (p packet) payload() []byte {
	start := 4
	if p.hasAdaptation() {
		start += 1 + p.adaptationLength()
	}
	if !p.hasPayload() || start >= len(p) {
		return nil
	}
	return p[start:]
}

// clockReference is the field of the PCR, nil where there is none (2.4.3.4): 33 bits of base in
// 90 kHz, 6 reserved bits, 9 bits of extension in 27 MHz.
func (p packet) clockReference() []byte {
	const pcrFlag = 0x10
	if !p.hasAdaptation() || p.adaptationLength() < 7 || p[5]&pcrFlag == 0 {
		return nil
	}
	return p[6:12]
}

// shiftClockReference adds ticks of 90 kHz to the PCR. The extension stays: it counts below a tick.
func (p packet) shiftClockReference(ticks uint64) {
	f := p.clockReference()
	if f == nil {
		return
	}
	base := (readClockBase(f) + ticks) % clockWrap
	f[0], f[1], f[2], f[3] = byte(base>>25), byte(base>>17), byte(base>>9), byte(base>>1)
	f[4] = f[4]&0x7f | byte(base&1)<<7
}

func readClockBase(f []byte) uint64 {
	return uint64(f[0])<<25 | uint64(f[1])<<17 | uint64(f[2])<<9 | uint64(f[3])<<1 | uint64(f[4])>>7
}

// pesHeader is nil where no PES packet with an optional header starts (2.4.3.6). A PSI section
// cannot look like one: after its pointer field of 0 and a table id of 0, its next byte has the
// highest bit set (2.4.4), and is not the 1 of a start code.
func (p packet) pesHeader() pesHeader {
	b := p.payload()
	if !p.startsUnit() || len(b) < 9 || b[0] != 0 || b[1] != 0 || b[2] != 1 || b[6]&0xc0 != 0x80 {
		return nil
	}
	if len(b) < 9+int(b[8]) {
		return nil
	}
	return b[:9+int(b[8])]
}

// A pesHeader begins a PES packet; its methods are for headers of which timestamps() is not 0.
type pesHeader []byte

func (h pesHeader) isVideo() bool { return h[3]&0xf0 == 0xe0 } // stream_id, table 2-22

// timestamps is how many there are: none, a PTS, or a PTS and a DTS.
func (h pesHeader) timestamps() int {
	switch flags := h[7] >> 6; {
	case flags == 2 && h[8] >= 5:
		return 1
	case flags == 3 && h[8] >= 10:
		return 2
	}
	return 0
}

// dts is the PTS where there is no DTS of its own (2.4.3.7).
func (h pesHeader) dts() uint64 {
	return readTimestamp(h[9+5*(h.timestamps()-1):])
}

// shift adds ticks to the PTS and the DTS.
func (h pesHeader) shift(ticks uint64) {
	if h == nil {
		return
	}
	for i := range h.timestamps() {
		f := h[9+5*i:]
		writeTimestamp(f, (readTimestamp(f)+ticks)%clockWrap)
	}
}

// A timestamp is 4 bits of prefix, then 3, 15 and 15 bits of the value with a 1 behind each
// (2.4.3.6).
func readTimestamp(f []byte) uint64 {
	return uint64(f[0]>>1&0x07)<<30 | uint64(f[1])<<22 | uint64(f[2]>>1)<<15 | uint64(f[3])<<7 | uint64(f[4]>>1)
}

func writeTimestamp(f []byte, t uint64) {
	f[0] = f[0]&0xf1 | byte(t>>30)<<1
	f[1] = byte(t >> 22)
	f[2] = byte(t>>15)<<1 | 1
	f[3] = byte(t >> 7)
	f[4] = byte(t)<<1 | 1
}
