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

// A Store is the bucket that a Source is published to. Its methods make one attempt each and are safe
// for concurrent use: when to try again is the schedule's decision. Errors that trying again cannot
// mend wrap ErrPermanent, and also ErrBucket if they concern every key alike.
type Store interface {
	// Put writes the object whole or not at all.
	Put(ctx context.Context, o Object) error
	// Stat tells what the bucket has under key; found is false if it has nothing. Where the store tells neither that nor the
	// contrary, for want of rights, the ObjectInfo is Untold.
	Stat(ctx context.Context, key string) (i ObjectInfo, found bool, err error)
	// Read returns the object's content; nil if it has more than most bytes. found is false if there is none.
	Read(ctx context.Context, key string, most int64) (content []byte, found bool, err error)
	// Same reports whether the object under key has exactly the content of body, which it compares with
	// the store's checksums: it reads body, but not the object. The answer is never true by mistake. The
	// error is ErrIncomparable if the store has no checksum to compare; but the answer is false if the
	// object is then that of another time than modTime, the file's.
	Same(ctx context.Context, key string, body Body, size int64, modTime time.Time) (bool, error)
	// AbortUploads aborts what Put has left behind: of the unfinished uploads of keys that begin with
	// prefix, those of which no part has come in for idle, by the store's clock. It spares the keys for
	// which keep returns true, and what is in flight from this process. n are aborted, also if there is
	// an error; one that cannot be does not stop the others.
	AbortUploads(ctx context.Context, prefix string, idle time.Duration, keep func(key string) bool) (n int, err error)
	// List calls each for every object directly in the directory dir, the beginning of a key that ends with a slash, or
	// nothing; not for those in directories in it. If after is not empty, only those whose keys come after it, by their
	// bytes. Of the ObjectInfo, Size, Stored and ETag are filled. It ends with the first error of each.
	List(ctx context.Context, dir, after string, each func(key string, i ObjectInfo) error) error
	// Delete deletes the objects. That one is not there is no error. After a DeleteError all but the keys in it are
	// deleted, and after any other one it is unknown which.
	Delete(ctx context.Context, keys []string) error
}

// An ObjectInfo is what the bucket tells of an object.
type ObjectInfo = publish.ObjectInfo

// An Object is what one Put writes.
type Object struct {
	Key          string
	Body         Body
	Size         int64     // bytes
	ModTime      time.Time // of the file; zero for what is no file
	ContentType  string
	CacheControl string
	Root         string // the directory that the file is from; "" is not told. Of a very long one, its end is kept
	Sum          string // SHA-256 of the content, in hex; "" is not told
	// FreshConnection asks for a connection that no earlier attempt has used.
	FreshConnection bool
	// Resumable asks for parts that outlive a failed attempt and a restart: the next Put of the key sends
	// only what is missing, if size, ModTime and content are still the same.
	Resumable bool
	// IfAbsent asks for ErrExists where the bucket has an object under the key. A store that does not know
	// that replaces the object.
	IfAbsent bool
}

// A Body is read more than once: to sign it, and part by part at the same time.
type Body interface {
	io.ReadSeeker
	io.ReaderAt
}

// A DeleteError is about the keys that were not deleted by a request that the store took.
type DeleteError struct {
	Failed map[string]error // by the key
}

// Error names one of the keys, always the same.
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
	// ErrBucket marks a refusal that concerns the whole bucket or the credentials, not one key.
	ErrBucket = errors.New("bucket unusable")
	// ErrExists is the answer to a Put that must not replace an object.
	ErrExists = errors.New("the bucket has another object under the key")
	// ErrIncomparable is the answer to whether an object has some content if nothing but that of the
	// object itself would tell.
	ErrIncomparable = errors.New("cannot be compared")
)
