package emswriter

import (
	"bytes"
	"encoding/binary"
)

// A lookAhead is what an MSS chunk lacks until the next two have ended: its tfrf box, for which the
// box of padding before makes room. Sections 2.2.4.5 and 2.2.4.4 of MS-SSTR describe tfrf and tfxd.
type lookAhead struct {
	at   int    // where tfrf is
	tfrf []byte // its bytes, or those that a made-up content has there
	free int    // where the padding begins; 0 if the content has no such box
	size uint32 // that the padding has in the end
}

// findLookAhead finds the look-ahead of a chunk's head.
func findLookAhead(head []byte) lookAhead {
	end := max(0, len(head)-mdatHeader-mssTfxd)
	begin := max(0, end-mssTfrf)
	l := lookAhead{at: begin, tfrf: bytes.Clone(head[begin:end])}
	if !isBox(head, begin, "uuid") || !isBox(head, mssTrun, "trun") {
		return l
	}
	free := mssTrun + int(binary.BigEndian.Uint32(head[mssTrun:]))
	if isBox(head, free, "free") {
		l.free, l.size = free, binary.BigEndian.Uint32(head[free:])
	}
	return l
}

func isBox(head []byte, at int, kind string) bool {
	return at+mdatHeader <= len(head) && string(head[at+4:at+8]) == kind
}

// hide returns the head without its look-ahead.
func (l lookAhead) hide(head []byte) []byte {
	head = bytes.Clone(head)
	fill(head, l.at, l.at+len(l.tfrf))
	if l.free > 0 {
		binary.BigEndian.PutUint32(head[l.free:], l.size+mssTfrf)
	}
	return head
}

// write patches the look-ahead into a chunk, whose size does not change.
func (l lookAhead) write(f *file) error {
	if _, err := f.WriteAt(l.tfrf, int64(l.at)); err != nil || l.free == 0 {
		return err
	}
	_, err := f.WriteAt(binary.BigEndian.AppendUint32(nil, l.size), int64(l.free))
	return err
}

// WithoutLookAhead returns what the file of an MSS video or audio chunk with that final content
// holds until two more chunks have ended.
func WithoutLookAhead(content []byte, video bool) []byte {
	length := mssAudioHead
	if video {
		length = mssVideoHead
	}
	length = headLength(content, length)
	head := content[:length]
	return append(findLookAhead(head).hide(head), content[length:]...)
}
