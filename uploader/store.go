package uploader

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"ems-sidecar/uploader/publish"
)

// A Store is the bucket that a Source is published to. Its methods make one attempt each: the
// schedule decides when to try again. They are safe for concurrent use. An error that the same
// request will meet again wraps ErrPermanent, and also ErrBucket if every key will meet it.
type Store interface {
	// Put writes the object whole or not at all.
	Put(ctx context.Context, o Object) error
	// Stat returns what the bucket has under key; found is false if it has nothing. If the rights
	// do not suffice to know, found is false and the ObjectInfo is Untold.
	Stat(ctx context.Context, key string) (i ObjectInfo, found bool, err error)
	// Read returns the object's content, or nil if it has more than most bytes. found is false if
	// the bucket has no such object.
	Read(ctx context.Context, key string, most int64) (content []byte, found bool, err error)
	// Same reports whether the object under key has exactly the content of body. It compares body
	// with the store's checksums, and does not read the object. It never returns true by mistake.
	// The error is ErrIncomparable if the store has no checksum, except if the object has another
	// time than modTime, the file's: then Same returns false.
	Same(ctx context.Context, key string, body Body, size int64, modTime time.Time) (bool, error)
	// AbortUploads aborts unfinished uploads of keys that begin with prefix, if their last part
	// arrived at least idle ago by the store's clock. It spares the keys for which keep returns
	// true, and the uploads in flight from this process. It returns how many it aborted, also with
	// an error. One that it cannot abort does not stop the others.
	AbortUploads(ctx context.Context, prefix string, idle time.Duration, keep func(key string) bool) (n int, err error)
	// List calls each for every object in the directory dir, but not in directories below it. dir
	// is empty, or the beginning of a key up to a slash. If after is not empty, List leaves out the
	// keys up to it, compared by bytes. It fills Size, Stored and ETag of the ObjectInfo. It ends
	// with the first error of each.
	List(ctx context.Context, dir, after string, each func(key string, i ObjectInfo) error) error
	// ListBelow is List from the beginning, with the objects in directories below dir.
	ListBelow(ctx context.Context, dir string, each func(key string, i ObjectInfo) error) error
	// Directories calls each for every directory in the directory dir. It is dir, a name and a slash.
	Directories(ctx context.Context, dir string, each func(dir string) error) error
	// Delete deletes the objects. It is no error if one does not exist. After a DeleteError, all
	// keys except those in it are deleted; after any other error it is unknown which.
	Delete(ctx context.Context, keys []string) error
}

// An ObjectInfo is what the bucket tells of an object.
type ObjectInfo = publish.ObjectInfo

// An Object is what one Put writes.
type Object struct {
	Key          string
	Body         Body
	Size         int64     // bytes
	ModTime      time.Time // of the file; zero if there is none
	ContentType  string
	CacheControl string
	Root         string // the file's root, noted with the object, if very long only its end; "" is not noted
	Sum          string // SHA-256 of the content, in hex, noted with the object; "" is not noted
	// FreshConnection asks for a connection that no earlier attempt has used.
	FreshConnection bool
	// Resumable asks for parts that outlive a failed attempt and a restart. The next Put of the key
	// sends only what is missing, if size, ModTime and content are still the same.
	Resumable bool
	// IfAbsent asks for ErrExists if the bucket has an object under the key. A store that does not
	// support that replaces the object.
	IfAbsent bool
	// Replaces is the ETag of the object that this one replaces, as the last Put of the key noted it; ""
	// is unknown, and nil does not matter. If the bucket has another object, it is replaced as well. But
	// a request that was overtaken is not applied later, where the store heeds such a condition. Put
	// notes the ETag of what it stored, or "" if it failed.
	Replaces *string
	// Race is when a second request for the object is sent; nil: never. It is ignored if the object
	// goes up in parts.
	Race Race
}

// A Race decides about a second request with the same content for the same key.
type Race interface {
	// After is how long the first request has until the second one is sent.
	After() time.Duration
	// Begin is asked then whether it may be sent. If so, End is called.
	Begin() bool
	// Settles reports whether the request that loses would do harm if it were applied later. Then both
	// answers are waited for, except if the store will refuse it, as Object.Replaces says. Else it is
	// cancelled.
	Settles() bool
	// End says how the two requests ended. None is in flight then.
	End(first, second Ending)
}

// An Ending is how a request of a Race ended.
type Ending struct {
	Err error
	At  time.Time
}

// A Body is read more than once: to sign it, and several parts at a time.
type Body interface {
	io.ReadSeeker
	io.ReaderAt
}

// A Sender is a Body that the kernel can send by itself. Nothing of it is copied into memory.
type Sender interface {
	// SendTo sends at most n bytes, from the offset off on, to a socket that does not block. It returns
	// how many were sent, and whether the socket takes no more now. If not, and fewer than n were sent,
	// the rest is read, and Read returns the reason if there is one.
	SendTo(socket uintptr, off, n int64) (sent int64, full bool)
}

// A DeleteError has the keys that were not deleted, although the request succeeded.
type DeleteError struct {
	Failed map[string]error // by the key
}

// Error names the first of the keys in alphabetical order.
func (e *DeleteError) Error() string {
	keys := slices.Sorted(maps.Keys(e.Failed))
	if len(keys) == 0 {
		return "nothing failed"
	}
	first := fmt.Sprintf("delete %s: %v", keys[0], e.Failed[keys[0]])
	if n := len(keys) - 1; n > 0 {
		return fmt.Sprintf("%s (and %d more)", first, n)
	}
	return first
}

// Unwrap returns why each key was not deleted.
func (e *DeleteError) Unwrap() []error { return slices.Collect(maps.Values(e.Failed)) }

var (
	// ErrPermanent marks a refusal that the same request will meet again.
	ErrPermanent = errors.New("refused")
	// ErrThrottled marks the answer of a store that wants fewer requests.
	ErrThrottled = errors.New("throttled")
	// ErrBucket marks a refusal that concerns the whole bucket or the credentials, not one key.
	ErrBucket = errors.New("bucket unusable")
	// ErrExists is the answer to a Put that must not replace an object.
	ErrExists = errors.New("the bucket has another object under the key")
	// ErrIncomparable means that only the object's own content would tell whether it is the same.
	ErrIncomparable = errors.New("the object cannot be compared with the file")
)
