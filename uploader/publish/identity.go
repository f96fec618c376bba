package publish

import (
	"crypto/md5"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"ems-sidecar/media"
)

// By what an object counts as a file. The facts are gathered elsewhere: package uploader reads the
// file, the store says what it knows of the object. Only this file decides whether the two are the
// same.
//
//	evidence                                   what follows
//	another size                               it is not the file
//	checksums of the content, or an MD5 as     they decide, but the file must be read for that
//	the ETag
//	the SHA-256 that its writer noted          decides, for a manifest
//	the file's time, as its writer noted it    with the same size, it is the file, unless that must be
//	                                           certain: before the file is deleted, say
//	stored after the file was written          with the same size, it is the file, where names never
//	                                           get other content
//
// Parts of an unfinished upload are no object yet: package s3store compares their checksums.

// An Identity says whether an object is a file.
type Identity uint8

const (
	// Unclear means that nothing that is known tells.
	Unclear Identity = iota
	// Identical means that the object is the file.
	Identical
	// Different means that the object is not the file.
	Different
)

func (i Identity) String() string { return [...]string{"unclear", "identical", "different"}[i] }

// An ObjectInfo is what the bucket tells of an object.
type ObjectInfo struct {
	Size    int64     // bytes
	ModTime time.Time // of the file, as the writer said; zero if it did not
	Stored  time.Time // by the store's clock
	ETag    ETag      // "" if the store did not tell
	// Who wrote it and what, as the writer said; "" where it did not.
	Host, Root string
	Sum        string // SHA-256 of the content, in hex
	// Untold says that it is not known whether there is an object.
	Untold bool
}

// Holds reports whether the object is the file in version v, as far as its size and time tell.
func (i *ObjectInfo) Holds(v media.Version) bool {
	return i != nil && i.Size == v.Size && i.ModTime.Equal(v.ModTime)
}

// Compare says whether the object is the file in version v, so that it need not be sent. If it is
// unclear, the MD5 of the file's content decides, which is the ETag then: another program may have
// put it, or the file was written again with the same content.
func (i *ObjectInfo) Compare(v media.Version) Identity {
	switch {
	case i == nil || i.Size != v.Size:
		return Different
	case i.Holds(v):
		return Identical
	case i.ETag.isMD5():
		return Unclear
	}
	return Different
}

// compareListed is Compare for an object of which a listing told the size and when it was stored.
// If it is unclear, the bucket must be asked for more. immutable: its name never gets other content.
func (i *ObjectInfo) compareListed(v media.Version, immutable bool) Identity {
	switch {
	case i == nil || i.Size != v.Size:
		return Different
	case immutable && i.Stored.Add(storedGranularity).After(v.ModTime):
		return Identical
	}
	return Unclear
}

// Prove says whether the object is the file in version v for certain. content is how the file's
// content compares with the checksums that the store has of the object's: unclear if it has none.
func (i *ObjectInfo) Prove(v media.Version, content Identity) Identity {
	switch {
	case i.Size != v.Size:
		return Different
	case content != Unclear:
		return content
	case !i.ModTime.IsZero() && !v.ModTime.IsZero() && !i.ModTime.Equal(v.ModTime):
		return Different
	}
	return Unclear
}

// Begins says whether the object is the beginning of the recording in version v, or all of it. If
// it is unclear, the content decides. spoilt: the object has other content than was sent of this
// version.
func (i *ObjectInfo) Begins(v media.Version, spoilt bool) Identity {
	switch {
	case i.Untold || i.Size > v.Size:
		return Different
	case i.Size == 0, spoilt && i.Holds(v):
		return Identical
	}
	return Unclear
}

// succeeds reports whether f has other content than the object i, which had the name before. What
// is known only by a name that never comes back counts as the same.
func (f *file) succeeds(i *ObjectInfo) bool {
	return f.disk.seen != (media.Version{}) && !i.Holds(f.disk.seen) || f.bucket.other && i.Holds(f.bucket.version) ||
		f.returns() && f.disk.version != (media.Version{}) && !i.ModTime.IsZero() && !i.Holds(f.disk.version)
}

// isObject reports whether the object i is s.
func (s *snapshot) isObject(i *ObjectInfo) bool {
	switch {
	case i == nil || s == nil:
		return false
	case i.Sum != "":
		return i.Sum == s.edition.hexSum()
	}
	return s.edition.md5 != "" && i.ETag.Is(s.edition.md5) // the store keeps no metadata
}

// An ETag is the store's name for the content of an object, without the quotes around it. It is the
// MD5 of the content if the object was put by one request, and the MD5 of its parts' MD5s if it was
// put in parts. At some stores, and with some kinds of encryption, it is neither, and may look like
// one.
type ETag string

// ParseETag returns the ETag that a header or a list has. A proxy that compresses makes it a weak
// one.
func ParseETag(text string) ETag {
	return ETag(strings.Trim(strings.TrimPrefix(text, "W/"), `"`))
}

// Checksum returns the MD5 that e has the form of.
func (e ETag) Checksum() (c Checksum, ok bool) {
	return ParseChecksum(string(e), md5.Size, hex.DecodeString)
}

// isMD5 reports whether e may be the MD5 of the content.
func (e ETag) isMD5() bool {
	c, ok := e.Checksum()
	return ok && c.Parts == 0
}

// Is reports whether e is the MD5 of the content, which is in hex.
func (e ETag) Is(md5 string) bool { return strings.EqualFold(string(e), md5) }

// Contradicts reports whether e is the MD5 of other content than that with the MD5 sum: put in the
// same way, the latter would have another ETag.
func (e ETag) Contradicts(sum Checksum) bool {
	c, ok := e.Checksum()
	return ok && (c.Parts == 0) == (sum.Parts == 0) && c != sum
}

// MD5 returns the MD5 of content, in hex.
func MD5(content []byte) string {
	sum := md5.Sum(content)
	return hex.EncodeToString(sum[:])
}

// A Checksum is one that a store has of an object's content.
type Checksum struct {
	Sum   string // its bytes
	Parts int    // 0: of the content; else of the checksums of so many parts, one after the other
}

// ParseChecksum returns the checksum of so many bytes that text is. S3 puts "-" and the number of
// parts behind one that is made of theirs.
func ParseChecksum(text string, size int, decode func(string) ([]byte, error)) (c Checksum, ok bool) {
	encoded, parts, ofParts := strings.Cut(text, "-")
	sum, err := decode(encoded)
	if err != nil || len(sum) != size {
		return Checksum{}, false
	}
	c.Sum = string(sum)
	if ofParts {
		if c.Parts, err = strconv.Atoi(parts); err != nil || c.Parts < 1 {
			return Checksum{}, false
		}
	}
	return c, true
}

// JoinMD5s returns the MD5 of an object that was put in parts, from those of the parts.
func JoinMD5s(parts []Checksum) Checksum {
	h := md5.New()
	for _, p := range parts {
		h.Write([]byte(p.Sum)) // a hash never fails
	}
	return Checksum{Sum: string(h.Sum(nil)), Parts: len(parts)}
}

// String returns the ETag that an object with the MD5 c has.
func (c Checksum) String() string {
	if c.Parts == 0 {
		return hex.EncodeToString([]byte(c.Sum))
	}
	return hex.EncodeToString([]byte(c.Sum)) + "-" + strconv.Itoa(c.Parts)
}
