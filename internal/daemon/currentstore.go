package daemon

import (
	"context"
	"io"
	"sync"
	"time"

	"ems-sidecar/uploader"
	"ems-sidecar/uploader/s3store"
)

// A currentStore is the store of a section. A reload replaces the one that it leads to: requests in
// flight end with the one with which they began.
type currentStore struct {
	replacing sync.Mutex // guards now
	now       *usedStore
	former    sync.WaitGroup // those that are still in use
}

// A usedStore is a store with the requests that are in flight.
type usedStore struct {
	*s3store.Store
	inFlight sync.WaitGroup
}

func newCurrentStore(s *s3store.Store) *currentStore { return &currentStore{now: &usedStore{Store: s}} }

// use returns the store for one request. The caller calls inFlight.Done.
func (c *currentStore) use() *usedStore {
	c.replacing.Lock()
	defer c.replacing.Unlock()
	c.now.inFlight.Add(1)
	return c.now
}

// replace has requests from now on go to s. The former store is closed when it is not used any more.
func (c *currentStore) replace(s *s3store.Store) {
	c.replacing.Lock()
	was := c.now
	c.now = &usedStore{Store: s}
	c.replacing.Unlock()
	c.former.Go(func() {
		was.inFlight.Wait()
		was.Close()
	})
}

// Close closes the store. Call it when no request is in flight.
func (c *currentStore) Close() {
	c.replacing.Lock()
	now := c.now
	c.replacing.Unlock()
	now.Close()
}

// Put implements uploader.Store, as do the others.
func (c *currentStore) Put(ctx context.Context, o uploader.Object) error {
	s := c.use()
	defer s.inFlight.Done()
	return s.Store.Put(ctx, o)
}

// Stat asks what the bucket has.
func (c *currentStore) Stat(ctx context.Context, key string) (uploader.ObjectInfo, bool, error) {
	s := c.use()
	defer s.inFlight.Done()
	return s.Store.Stat(ctx, key)
}

// Read reads an object.
func (c *currentStore) Read(ctx context.Context, key string, most int64) ([]byte, bool, error) {
	s := c.use()
	defer s.inFlight.Done()
	return s.Store.Read(ctx, key, most)
}

// Same compares an object with a file.
func (c *currentStore) Same(ctx context.Context, key string, body uploader.Body, size int64,
	modTime time.Time) (bool, error) {
	s := c.use()
	defer s.inFlight.Done()
	return s.Store.Same(ctx, key, body, size, modTime)
}

// AbortUploads aborts unfinished uploads.
func (c *currentStore) AbortUploads(ctx context.Context, prefix string, idle time.Duration,
	keep func(string) bool) (int, error) {
	s := c.use()
	defer s.inFlight.Done()
	return s.Store.AbortUploads(ctx, prefix, idle, keep)
}

// List lists objects.
func (c *currentStore) List(ctx context.Context, dir, after string,
	each func(string, uploader.ObjectInfo) error) error {
	s := c.use()
	defer s.inFlight.Done()
	return s.Store.List(ctx, dir, after, each)
}

// ListBelow lists objects, also in directories.
func (c *currentStore) ListBelow(ctx context.Context, dir string,
	each func(string, uploader.ObjectInfo) error) error {
	s := c.use()
	defer s.inFlight.Done()
	return s.Store.ListBelow(ctx, dir, each)
}

// Directories lists directories.
func (c *currentStore) Directories(ctx context.Context, dir string, each func(string) error) error {
	s := c.use()
	defer s.inFlight.Done()
	return s.Store.Directories(ctx, dir, each)
}

// Delete deletes objects.
func (c *currentStore) Delete(ctx context.Context, keys []string) error {
	s := c.use()
	defer s.inFlight.Done()
	return s.Store.Delete(ctx, keys)
}

// Content opens an object. The store is in use until its content is closed.
func (c *currentStore) Content(ctx context.Context, key, byteRange string) (*s3store.Content, bool, error) {
	s := c.use()
	content, found, err := s.Store.Content(ctx, key, byteRange)
	if content == nil {
		s.inFlight.Done()
		return nil, found, err
	}
	content.ReadCloser = usedContent{content.ReadCloser, sync.OnceFunc(s.inFlight.Done)}
	return content, found, err
}

// A usedContent is in use until it is closed.
type usedContent struct {
	io.ReadCloser
	done func()
}

// Close implements io.Closer.
func (c usedContent) Close() error {
	defer c.done()
	return c.ReadCloser.Close()
}
