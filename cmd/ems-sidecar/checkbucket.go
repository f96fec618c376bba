package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"

	"ems-sidecar/config"
	"ems-sidecar/internal/daemon"
	"ems-sidecar/uploader"
	"ems-sidecar/uploader/s3store"
)

const (
	// chunkSize is that of a chunk of 4 s and 4 Mbit/s. Many proxies refuse bodies of more than 1
	// MB.
	chunkSize = 2 << 20 // bytes
	// What is larger than part_size goes up in parts. Larger ones than this say no more.
	maxCheckedPart = 16 << 20 // bytes
	// A test of a size may take what that takes at this rate. A slower line is not the store's
	// fault.
	checkRate = 1 << 20 // bytes per second
)

// A bucketCheck does with a few objects what the daemon does with all.
type bucketCheck struct {
	r      *report
	u      config.Upload
	store  *s3store.Store
	where  string
	keys   []string // that may have been written
	wrote  bool     // and was taken
	failed bool     // a write had no answer: what comes after it would wait as long
}

// checkBucket tests the bucket of a section. Several sections may have one, which is tested with
// large objects once.
func checkBucket(ctx context.Context, r *report, u config.Upload, pool config.Pool, tested map[string]bool) {
	c := &bucketCheck{r: r, u: u, where: fmt.Sprintf("bucket %s for [%s]", u.Bucket, u.Section)}
	part := min(pool.PartSize, maxCheckedPart)
	pool.PartSize = part
	store, err := daemon.OpenStore(ctx, u, pool, nil)
	if err != nil {
		r.say("bucket", c.where, err)
		return
	}
	c.store = store
	c.where += " at " + store.Endpoint()
	who, err := timed(ctx, r, "identity", "for "+c.where, stepTime, store.Identity)
	switch {
	case who == "":
		r.say("identity", c.where, err)
		return
	case err != nil:
		who += fmt.Sprintf(" (whose ARN STS does not tell: %v)", err)
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
	if which := fmt.Sprintln(u.Bucket, u.AccessKey, store.Endpoint(), u.Format.IsRecorded()); !tested[which] {
		tested[which] = true
		if chunk := bytes.Repeat([]byte("chunk..."), chunkSize/8); c.write(ctx, "chunk", key+"-chunk", chunk) {
			c.ask(ctx, key+"-chunk", chunkSize)
		}
		c.write(ctx, partsWritten, key+"-parts", make([]byte, part+1))
	}
	if u.Format.IsRecorded() {
		err := try(ctx, r, "resume", c.where, stepTime, func(ctx context.Context) error {
			_, err := store.AbortUploads(ctx, key, 0, func(string) bool { return true }) // lists them, and aborts none
			return err
		})
		r.hint("resume", c.where, "a recording whose upload is interrupted by a restart begins anew", err)
	}
}

// write puts an object, and reports whether that went well.
func (c *bucketCheck) write(ctx context.Context, what, key string, content []byte) bool {
	if c.failed {
		return false
	}
	which := fmt.Sprintf("%s, key %s, %s", c.where, key, humanize.IBytes(uint64(len(content))))
	limit := stepTime + time.Duration(len(content))*time.Second/checkRate
	err := try(ctx, c.r, what, which, limit, func(ctx context.Context) error {
		return c.store.Put(ctx, uploader.Object{
			Key: key, Body: bytes.NewReader(content), Size: int64(len(content)), ContentType: "video/mp2t", CacheControl: "no-store",
		})
	})
	if !errors.Is(err, uploader.ErrPermanent) {
		c.keys = append(c.keys, key) // without an answer, it may be there all the same
	}
	var unanswered *s3store.UnansweredError
	if errors.As(err, &unanswered) && unanswered.Phase == s3store.Sending && errors.Is(err, context.DeadlineExceeded) {
		c.r.warn(what, which, fmt.Sprintf("not tested to the end, since the line is slow: %v", err))
		return false
	}
	c.failed, c.wrote = errors.Is(err, context.DeadlineExceeded), c.wrote || err == nil
	if what == partsWritten && !c.u.Format.IsRecorded() {
		c.r.hint(what, which, "files of more than part_size are not uploaded", err)
		return err == nil
	}
	return c.r.say(what, which, err)
}

// partsWritten is the test that live streams with small chunks can do without.
const partsWritten = "parts"

// ask asks for an object as the daemon does after a restart.
func (c *bucketCheck) ask(ctx context.Context, key string, size int64) {
	err := try(ctx, c.r, "ask", c.where, stepTime, func(ctx context.Context) error {
		switch i, found, err := c.store.Stat(ctx, key); {
		case err != nil:
			return err
		case i.Untold:
			return errors.New("the store does not tell whether it has an object: allow " +
				"s3:GetObject and s3:ListBucket")
		case !found:
			return errors.New("the store does not have the object that it has just taken")
		case i.Size != size:
			return fmt.Errorf("the store says that the object has %d bytes instead of %d", i.Size, size)
		}
		return nil
	})
	c.r.say("ask", c.where, err)
}

// list looks for the key in the bucket's list, where a bucket in the endpoint has it missing.
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
			c.r.say("endpoint", c.u.Endpoint, fmt.Errorf("the endpoint holds the bucket, which "+
				"comes twice then: "+
				"each key begins with %s/ in the bucket, and players get 404; set endpoint = "+
				"%s", c.u.Bucket, cmp.Or(right, "the store's address without the bucket")))
			return
		} else if askErr != nil {
			err = errors.Join(err, askErr)
		}
	}
	if err == nil {
		err = errors.New("the object that was written is not in the list")
	}
	c.r.hint("list", c.where, "a start asks for each old file by itself, and what is absent may "+
		"be uploaded again", err)
}

// clear deletes what was written, also when the check is interrupted.
func (c *bucketCheck) clear(ctx context.Context) {
	if len(c.keys) == 0 {
		return
	}
	err := try(context.WithoutCancel(ctx), c.r, "delete", c.where, stepTime, func(ctx context.Context) error {
		return c.store.Delete(ctx, c.keys)
	})
	if !c.wrote {
		return // whether this works was not asked
	}
	if err != nil && c.u.Delete == config.Mirror {
		err = fmt.Errorf("delete = mirror deletes objects in the bucket: %w", err)
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
