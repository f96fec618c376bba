package uploader

import (
	"context"
	"errors"
	"io"
)

// A Store is the bucket that a Source is published to. Its methods make one attempt each and are safe
// for concurrent use: when to try again is the schedule's decision. Errors that trying again cannot
// mend wrap ErrPermanent, and also ErrBucket if they concern every key alike.
type Store interface {
	// Put writes the object whole or not at all.
	Put(ctx context.Context, o Object) error
	// Exists reports whether the bucket has an object under key.
	Exists(ctx context.Context, key string) (bool, error)
}

// An Object is what one Put writes.
type Object struct {
	Key          string
	Body         Body
	Size         int64 // bytes
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
