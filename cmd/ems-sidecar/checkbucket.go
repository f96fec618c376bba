package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/dustin/go-humanize"

	"ems-sidecar/config"
	"ems-sidecar/internal/daemon"
	"ems-sidecar/uploader"
	"ems-sidecar/uploader/s3store"
)

const (
	// chunkSize is the size of 4 s at 4 Mbit/s, in bytes. Many proxies refuse bodies of more than 1
	// MB.
	chunkSize = 2 << 20
	// maxCheckedPart is the largest part that is tested, in bytes: a larger one would show no more.
	maxCheckedPart = 16 << 20
	// checkRate is the least rate of the line, in bytes per second. A slower one is not the store's
	// fault.
	checkRate = 1 << 20
)

// A bucketCheck does with a few objects what the daemon does with all of them.
type bucketCheck struct {
	r      *report
	u      config.Upload
	store  *s3store.Store
	where  string
	keys   []string // of objects that may exist
	wrote  bool     // a write succeeded
	failed bool     // a write had no answer: the next one would wait as long
}

// checkBucket tests the bucket of a section. A bucket of several sections is tested with large
// objects once.
func checkBucket(ctx context.Context, r *report, u config.Upload, pool config.Pool, tested map[string]bool) {
	c := &bucketCheck{r: r, u: u, where: fmt.Sprintf("bucket %s for [%s]", u.Bucket, u.Section)}
	part := min(pool.PartSize, maxCheckedPart)
	pool.PartSize = part
	store, err := daemon.OpenStore(ctx, u, pool, slog.New(slog.DiscardHandler))
	if err != nil {
		r.say("bucket", c.where, err)
		return
	}
	defer store.Close()
	c.store = store
	c.where += " at " + store.Endpoint()
	who, err := timed(ctx, r, "identity", "for "+c.where, stepTime, store.Identity)
	switch {
	case who == "":
		r.say("identity", c.where, err)
		return
	case err != nil:
		who += fmt.Sprintf(" (STS does not tell its ARN: %v)", err)
	}
	r.say("identity", who, nil)

	key := u.Prefix + ".ems-sidecar-check-" + rand.Text()
	content := []byte("ems-sidecar check: this object may be deleted\n")
	defer c.clear(ctx)
	if !c.write(ctx, "write", key, content) {
		return
	}
	r.say("read", c.where, try(ctx, r, "read", c.where, stepTime, func(ctx context.Context) error {
		return compare(ctx, store, key, content)
	}))
	c.list(ctx, key)
	which := fmt.Sprintln(u.Bucket, u.AccessKey, store.Endpoint(), u.Format.IsRecorded())
	if !tested[which] {
		tested[which] = true
		chunk := bytes.Repeat([]byte("chunk..."), chunkSize/8)
		if c.write(ctx, "chunk", key+"-chunk", chunk) {
			c.ask(ctx, key+"-chunk", chunkSize)
		}
		c.write(ctx, partsWritten, key+"-parts", make([]byte, part+1))
	}
	if u.Format.IsRecorded() {
		err := try(ctx, r, "resume", c.where, stepTime, func(ctx context.Context) error {
			_, err := store.AbortUploads(ctx, key, 0, func(string) bool { return true }) // lists them, and aborts none
			return err
		})
		r.hint("resume", c.where, "a recording is uploaded from its beginning again if a restart interrupts it", err)
	}
}

// write puts an object, and reports whether that succeeded.
func (c *bucketCheck) write(ctx context.Context, what, key string, content []byte) bool {
	if c.failed {
		return false
	}
	which := fmt.Sprintf("%s, key %s, %s", c.where, key, humanize.IBytes(uint64(len(content))))
	limit := stepTime + time.Duration(len(content))*time.Second/checkRate
	err := try(ctx, c.r, what, which, limit, func(ctx context.Context) error {
		return c.store.Put(ctx, uploader.Object{
			Key: key, Body: bytes.NewReader(content), Size: int64(len(content)),
			ContentType: "video/mp2t", CacheControl: "no-store",
		})
	})
	if !errors.Is(err, uploader.ErrPermanent) {
		c.keys = append(c.keys, key) // without an answer, it may exist all the same
	}
	var unanswered *s3store.UnansweredError
	late := errors.Is(err, context.DeadlineExceeded)
	if late && errors.As(err, &unanswered) && unanswered.Phase == s3store.Sending {
		c.r.warn(what, which, fmt.Sprintf("not tested to the end, since the line is slow: %v", err))
		return false
	}
	c.failed, c.wrote = late, c.wrote || err == nil
	if what == partsWritten && !c.u.Format.IsRecorded() {
		c.r.hint(what, which, "files of more than part_size are not uploaded", err)
		return err == nil
	}
	return c.r.say(what, which, err)
}

// partsWritten is the test that live streams with small chunks do not need.
const partsWritten = "parts"

// ask asks for an object, as the daemon does after a restart.
func (c *bucketCheck) ask(ctx context.Context, key string, size int64) {
	err := try(ctx, c.r, "exists", c.where, stepTime, func(ctx context.Context) error {
		switch i, found, err := c.store.Stat(ctx, key); {
		case err != nil:
			return err
		case i.Untold:
			return errors.New("the store does not tell whether it has an object: allow " +
				"s3:GetObject and s3:ListBucket")
		case !found:
			return errors.New("the store does not have the object that it has just accepted")
		case i.Size != size:
			return fmt.Errorf("the store says that the object has %d bytes instead of %d", i.Size, size)
		}
		return nil
	})
	c.r.say("exists", c.where, err)
}

// list looks for the key in the bucket's list. With the bucket in the endpoint, it is missing
// there.
func (c *bucketCheck) list(ctx context.Context, key string) {
	listed, err := timed(ctx, c.r, "list", c.where, stepTime, func(ctx context.Context) (listed bool, err error) {
		err = c.store.List(ctx, key, "", func(k string, _ uploader.ObjectInfo) error {
			listed = listed || k == key
			return nil
		})
		return listed, err
	})
	if err == nil && listed {
		c.r.say("list", c.where, nil)
		return
	}
	if c.u.Endpoint != "" {
		ofBucket, askErr := timed(ctx, c.r, "endpoint", c.u.Endpoint, stepTime, c.store.EndpointIsOfBucket)
		if right := c.u.WithoutBucket(); ofBucket || right != "" && s3store.IsAbsent(err) {
			c.r.say("endpoint", c.u.Endpoint, fmt.Errorf("the endpoint has the bucket in it, so that each key "+
				"begins with %s/ in the bucket, and players get 404; set endpoint = %s",
				c.u.Bucket, cmp.Or(right, "the store's address without the bucket")))
			return
		} else if askErr != nil {
			err = errors.Join(err, askErr)
		}
	}
	if err == nil {
		err = errors.New("the object that was written is not in the list")
	}
	c.r.hint("list", c.where,
		"a start asks for each old file by itself, and what is absent may be uploaded again", err)
}

// clear deletes what was written, even if the check is interrupted.
func (c *bucketCheck) clear(ctx context.Context) {
	if len(c.keys) == 0 {
		return
	}
	err := try(context.WithoutCancel(ctx), c.r, "delete", c.where, stepTime, func(ctx context.Context) error {
		return c.store.Delete(ctx, c.keys)
	})
	if !c.wrote {
		return // nothing was written, so that this says nothing
	}
	if err != nil && c.u.Delete == config.Mirror {
		err = fmt.Errorf("delete = mirror needs the right to delete objects: %w", err)
	}
	c.r.say("delete", c.where, err)
}

func compare(ctx context.Context, store *s3store.Store, key string, want []byte) error {
	got, err := store.Get(ctx, key)
	if err == nil && !bytes.Equal(got, want) {
		err = errors.New("the object has other content than was written")
	}
	return err
}
