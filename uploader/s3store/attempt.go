package s3store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"ems-sidecar/uploader"
)

// An attempt puts an object that is not resumable. It is the requester of its upload: it sends
// content with a checksum, and compares it with the ETag in the answer.
type attempt struct {
	store  *Store
	object uploader.Object
	plan   plan
	cancel context.CancelFunc // ends the other parts
	upload *upload            // nil before it begins; then each part is written by its own request

	mu     sync.Mutex
	failed error // the first failure of a request
}

// putFromStart puts o. It uses no parts of an earlier attempt, and leaves none if it fails.
func (s *Store) putFromStart(ctx context.Context, o uploader.Object, p plan,
	options []func(*s3.Options)) error {
	err := s.putOnce(ctx, o, p, options)
	if errors.Is(err, errUntaken) {
		err = s.putOnce(ctx, o, p, options) // with MD5s
	}
	return err
}

func (s *Store) putOnce(ctx context.Context, o uploader.Object, p plan,
	options []func(*s3.Options)) error {
	sending, cancel := context.WithCancel(ctx)
	defer cancel()
	a := &attempt{store: s, object: o, plan: p, cancel: cancel}
	in := s.putInput(o)
	in.Body = io.NewSectionReader(o.Body, 0, o.Size)
	var err error
	if p.parts() == 1 {
		_, err = a.PutObject(sending, in, options...)
	} else {
		err = s.multipart.put(sending, a, in, p.partSize, options)
	}
	if a.failed != nil {
		err = a.failed // the manager returns the last failure
	}
	if a.upload != nil {
		err = s.judge(a.upload, o, err)
		if err != nil && codeOf(err) != noSuchUpload {
			s.abandon(ctx, a.upload.key, a.upload.id, options)
		}
		s.unfinished.end(a.upload.id)
	}
	return err
}

// fail notes the first error, ends the requests in flight, and returns err.
func (a *attempt) fail(err error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil && a.failed == nil {
		a.failed = err
		a.cancel()
	}
	return err
}

// PutObject puts the whole object, with a checksum that the store compares. If the file changes
// meanwhile, the store refuses the content, or the ETag is not the checksum.
func (a *attempt) PutObject(ctx context.Context, in *s3.PutObjectInput,
	options ...func(*s3.Options)) (out *s3.PutObjectOutput, err error) {
	section, err := sectionOf(in.Body)
	if err != nil {
		return nil, a.fail(err)
	}
	in.ContentLength = aws.Int64(section.Size())
	isConditional := in.IfNoneMatch != nil || in.IfMatch != nil
	err = a.store.terms.reach(matter{whole: true, signing: true, once: isConditional}, func(t *terms) error {
		out, err = a.putIn(ctx, t, in, section, options)
		return err
	})
	if err == nil && a.object.Replaces != nil {
		*a.object.Replaces = strong(aws.ToString(out.ETag))
	}
	return out, a.fail(err)
}

// putIn puts the whole object in the terms t, and notes in t how the next one is to be sent.
func (a *attempt) putIn(ctx context.Context, t *terms, in *s3.PutObjectInput, section *io.SectionReader,
	options []func(*s3.Options)) (*s3.PutObjectOutput, error) {
	p := t.whole
	content, sum, err := sumOnce(ctx, section, p.need(), t.signed)
	if err != nil {
		return nil, fmt.Errorf("read it: %w", err)
	}
	in.ContentMD5, in.ChecksumCRC32 = content.headers(p != byMD5)
	send := func(ctx context.Context, second bool) (*s3.PutObjectOutput, error) {
		in, options, isFresh := in, options, a.object.FreshConnection
		if second {
			in, options, isFresh = copyOf(in, section), append(slices.Clip(options), a.store.fresh), true
		}
		out, err := a.store.putObject(ctx, in, section, t.payload(sum), isFresh, options)
		if err != nil {
			return nil, exists(a.object, a.store.explain(putPermission, err))
		}
		return out, a.store.prove(p, content, echoOfObject(out))
	}
	replaces := in.IfMatch != nil && a.store.habits.heeding.is(heeded)
	out, err := race(ctx, a.object.Race, replaces, send)
	if err == nil && p == onTrial {
		t.whole = echoOfObject(out).learned(content)
	}
	return out, err
}

// CreateMultipartUpload begins the upload.
func (a *attempt) CreateMultipartUpload(ctx context.Context, in *s3.CreateMultipartUploadInput,
	options ...func(*s3.Options)) (*s3.CreateMultipartUploadOutput, error) {
	u, err := a.store.begin(ctx, in, a.object, a.plan, options)
	if err != nil {
		return nil, a.fail(err)
	}
	a.upload = u
	a.store.unfinished.begin(u.id)
	return &s3.CreateMultipartUploadOutput{UploadId: &u.id}, nil
}

// UploadPart sends one part.
func (a *attempt) UploadPart(ctx context.Context, in *s3.UploadPartInput,
	options ...func(*s3.Options)) (*s3.UploadPartOutput, error) {
	number := int(aws.ToInt32(in.PartNumber))
	in.ChecksumAlgorithm = "" // it has a checksum already
	section, err := sectionOf(in.Body)
	var sent part
	if err == nil {
		sent, err = a.store.uploadPart(ctx, a.upload, in, section, a.plan, options)
	}
	if err != nil {
		return nil, a.fail(fmt.Errorf("part %d of %d: %w", number, a.plan.parts(), err))
	}
	a.upload.parts[number-1] = sent
	// Completing needs no more.
	out := &s3.UploadPartOutput{ETag: &sent.etag}
	if sent.crc32 != "" {
		out.ChecksumCRC32 = &sent.crc32
	}
	return out, nil
}

// CompleteMultipartUpload joins the parts to the object.
func (a *attempt) CompleteMultipartUpload(ctx context.Context, in *s3.CompleteMultipartUploadInput,
	options ...func(*s3.Options)) (*s3.CompleteMultipartUploadOutput, error) {
	out, err := a.store.join(ctx, a.upload, in, options)
	return out, a.fail(exists(a.object, err))
}

// AbortMultipartUpload aborts. The manager does not ask for that: putFromStart abandons what
// failed.
func (a *attempt) AbortMultipartUpload(ctx context.Context, in *s3.AbortMultipartUploadInput,
	options ...func(*s3.Options)) (*s3.AbortMultipartUploadOutput, error) {
	return a.store.client.AbortMultipartUpload(ctx, in, options...)
}

// copyOf returns a copy of in with a body of its own, which reads the same section.
func copyOf(in *s3.PutObjectInput, section *io.SectionReader) *s3.PutObjectInput {
	other := *in
	other.Body = io.NewSectionReader(section, 0, section.Size())
	return &other
}

func sectionOf(body io.Reader) (*io.SectionReader, error) {
	section, ok := body.(*io.SectionReader)
	if !ok {
		return nil, errors.New("the content to send is not a section of its file")
	}
	return section, nil
}
