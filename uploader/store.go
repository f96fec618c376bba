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
)
