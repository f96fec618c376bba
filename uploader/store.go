package uploader

import (
	"context"
	"errors"
	"io"
	"time"
)

// A Store is the bucket that a Source is published to. Its methods make one attempt each and are safe
// for concurrent use: when to try again is the schedule's decision. Errors that trying again cannot
// mend wrap ErrPermanent, and also ErrBucket if they concern every key alike.
type Store interface {
	// Put writes the object whole or not at all.
	Put(ctx context.Context, o Object) error
	// Stat tells what the bucket has under key; found is false if it has nothing.
	Stat(ctx context.Context, key string) (i ObjectInfo, found bool, err error)
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
}

// An ObjectInfo is what the bucket tells of an object.
type ObjectInfo struct {
	Size    int64     // bytes
	ModTime time.Time // of the file, as Object said; zero if it did not
	Stored  time.Time // by the store's clock
}

// An Object is what one Put writes.
type Object struct {
	Key          string
	Body         Body
	Size         int64     // bytes
	ModTime      time.Time // of the file; zero for what is no file
	ContentType  string
	CacheControl string
	// FreshConnection asks for a connection that no earlier attempt has used.
	FreshConnection bool
	// Resumable asks for parts that outlive a failed attempt and a restart: the next Put of the key sends
	// only what is missing, if size, ModTime and content are still the same.
	Resumable bool
}

// A Body is read more than once: to sign it, and part by part at the same time.
type Body interface {
	io.ReadSeeker
	io.ReaderAt
}

var (
	// ErrPermanent marks a refusal that the same request will meet again.
	ErrPermanent = errors.New("refused")
	// ErrBucket marks a refusal that concerns the whole bucket or the credentials, not one key.
	ErrBucket = errors.New("bucket unusable")
	// ErrIncomparable is the answer to whether an object has some content if nothing but that of the
	// object itself would tell.
	ErrIncomparable = errors.New("cannot be compared")
)
