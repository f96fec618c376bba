package s3store

import (
	"slices"
	"sync"
	"time"

	"ems-sidecar/uploader/publish"
)

// An upload is a multipart upload that has begun.
type upload struct {
	key, id string
	size    int64     // of the file
	modTime time.Time // of the file
	crc32   bool      // its parts are sent with a CRC32, else with an MD5
	parts   []part    // by their number, less one
}

// A part is a part that the store has; without an etag, it is missing. Only the goroutine that
// sends it writes it.
type part struct {
	etag string
	sums      // of its content
	sent bool // by this attempt
}

func (u *upload) missing() (numbers []int) {
	for i, p := range u.parts {
		if p.etag == "" {
			numbers = append(numbers, i+1)
		}
	}
	return numbers
}

// checksum returns the MD5 of the whole object. ok is false if the ETags of the parts are no MD5s, or
// if no part's MD5 is known, to tell that they are.
func (u *upload) checksum() (c publish.Checksum, ok bool) {
	var parts []publish.Checksum
	for _, p := range u.parts {
		sum := md5OfETag(p.etag)
		if sum == "" || p.md5 != "" && p.md5 != sum {
			return c, false
		}
		ok = ok || p.md5 != ""
		parts = append(parts, sums{md5: sum}.checksum())
	}
	return publish.JoinMD5s(parts), ok
}

// crc32s returns the CRC32 of the whole object as S3 tells it: that of the CRC32s of its parts. ok is
// false if one of them is unknown.
func (u *upload) crc32s() (c publish.Checksum, ok bool) {
	all := newCRC32()
	for _, p := range u.parts {
		one, ok := parseCRC32(p.crc32)
		if !ok || one.Parts > 0 {
			return c, false
		}
		all.Write([]byte(one.Sum)) // a hash never fails
	}
	return publish.Checksum{Sum: string(all.Sum(nil)), Parts: len(u.parts)}, true
}

// unfinished knows the uploads in flight, and remembers those that failed. It is only a hint:
// forgotten ones can be listed.
type unfinished struct {
	mu       sync.Mutex
	inFlight map[string]bool // by upload ID
	failed   []*upload       // oldest first, at most one of a key
}

func (r *unfinished) begin(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.inFlight == nil {
		r.inFlight = make(map[string]bool)
	}
	r.inFlight[id] = true
}

func (r *unfinished) end(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.inFlight, id)
}

func (r *unfinished) isInFlight(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.inFlight[id]
}

// remember keeps u for the next attempt. If there are too many, it forgets the oldest.
func (r *unfinished) remember(u *upload) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = append(slices.DeleteFunc(r.failed, func(f *upload) bool { return f.key == u.key }), u)
	parts := 0
	for i := len(r.failed) - 1; i >= 0; i-- {
		if parts += len(r.failed[i].parts); parts > maxRememberedParts {
			r.failed = slices.Delete(r.failed, 0, i+1)
			return
		}
	}
}

// take returns the remembered upload of key and forgets it, or returns nil.
func (r *unfinished) take(key string) *upload {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.failed, func(u *upload) bool { return u.key == key })
	if i < 0 {
		return nil
	}
	u := r.failed[i]
	r.failed = slices.Delete(r.failed, i, i+1)
	return u
}

func (r *unfinished) forget(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = slices.DeleteFunc(r.failed, func(u *upload) bool { return u.id == id })
}
