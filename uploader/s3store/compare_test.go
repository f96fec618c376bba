package s3store

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"ems-sidecar/uploader"
)

// sameAs asks s whether the object under key has that content and time.
func sameAs(t *testing.T, s *Store, key string, content []byte, at time.Time) (bool, error) {
	t.Helper()
	return s.Same(t.Context(), key, bytes.NewReader(content), int64(len(content)), at)
}

// hideChecksums leaves only the ETag to compare with.
func hideChecksums(_ *call, r *http.Response) error {
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Amz-Checksum-") {
			r.Header.Del(name)
		}
	}
	return nil
}

func TestSameIsTrueOnlyForTheSameContent(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	g := newGate(t, server)
	whole := content(1, 12*mib)
	changed := slices.Clone(whole)
	changed[11*mib] ^= 1
	hide := func(change func(c *call, h http.Header)) func(*call, *http.Response) error {
		return func(c *call, r *http.Response) error {
			if c.op == "HEAD" && r.StatusCode < 300 {
				change(c, r.Header)
			}
			return nil
		}
	}
	noParts := func(c *call, h http.Header) {
		if c.part == 1 { // as a store that does not know the parameter
			h.Del("X-Amz-Mp-Parts-Count")
			h.Set("Content-Length", "12582912")
		}
	}
	all := func(changes ...func(c *call, h http.Header)) func(*call, *http.Response) error {
		return hide(func(c *call, h http.Header) {
			for _, change := range changes {
				change(c, h)
			}
		})
	}
	noChecksums := func(c *call, h http.Header) { hideChecksums(c, &http.Response{Header: h}) }
	opaque := func(_ *call, h http.Header) { h.Set("Etag", `"opaque"`) }
	onePart := func(_ *call, h http.Header) { // as of an upload of one part
		sum := md5.Sum(whole)
		h.Set("Etag", fmt.Sprintf("\"%x-1\"", md5.Sum(sum[:])))
	}
	kms := func(_ *call, h http.Header) {
		h.Set("X-Amz-Server-Side-Encryption", "aws:kms")
		h.Set("Etag", `"00112233445566778899aabbccddeeff"`)
	}
	for name, c := range map[string]struct {
		put      int64 // part size of the upload
		ask      int64 // part size of the Store that is asked
		answer   func(*call, *http.Response) error
		content  []byte
		same     bool
		err      error
		partHEAD int
	}{
		"one request":                         {16 * mib, 16 * mib, nil, whole, true, nil, 0},
		"one request, ETag":                   {16 * mib, 16 * mib, all(noChecksums), whole, true, nil, 0},
		"one request, ETag, changed":          {16 * mib, 16 * mib, all(noChecksums), changed, false, nil, 0},
		"one request, ETag, 5 MiB today":      {16 * mib, 5 * mib, all(noChecksums), whole, true, nil, 0},
		"in parts":                            {5 * mib, 5 * mib, nil, whole, true, nil, 1},
		"in parts, changed":                   {5 * mib, 5 * mib, nil, changed, false, nil, 1},
		"in parts, ETag":                      {5 * mib, 5 * mib, all(noChecksums), whole, true, nil, 1},
		"in parts, ETag, changed":             {5 * mib, 5 * mib, all(noChecksums), changed, false, nil, 1},
		"in parts, ETag, 8 MiB today":         {5 * mib, 8 * mib, all(noChecksums), whole, true, nil, 1},
		"in parts, ETag, 16 MiB today":        {5 * mib, 16 * mib, all(noChecksums), whole, true, nil, 1},
		"in one part, ETag":                   {16 * mib, 5 * mib, all(noChecksums, onePart), whole, true, nil, 0},
		"in one part, ETag, changed":          {16 * mib, 5 * mib, all(noChecksums, onePart), changed, false, nil, 0},
		"in unknown parts, ETag, as today":    {5 * mib, 5 * mib, all(noChecksums, noParts), whole, true, nil, 1},
		"in unknown parts, ETag, as many":     {6 * mib, 7 * mib, all(noChecksums, noParts), whole, false, nil, 1},
		"in unknown parts, ETag, not as many": {5 * mib, 8 * mib, all(noChecksums, noParts), whole, false, uploader.ErrIncomparable, 1},
		"in unknown parts, CRC":               {5 * mib, 8 * mib, all(noParts), whole, true, nil, 1},
		"in unknown parts, CRC, changed":      {5 * mib, 8 * mib, all(noParts), changed, false, nil, 1},
		"ETag is no MD5":                      {16 * mib, 16 * mib, all(noChecksums, opaque), whole, false, uploader.ErrIncomparable, 0},
		"ETag is no MD5, CRC":                 {16 * mib, 16 * mib, all(opaque), whole, true, nil, 0},
		"ETag is no MD5, CRC, changed":        {16 * mib, 16 * mib, all(opaque), changed, false, nil, 0},
		"KMS":                                 {16 * mib, 16 * mib, all(noChecksums, kms), whole, false, uploader.ErrIncomparable, 0},
		"KMS, CRC":                            {16 * mib, 16 * mib, all(kms), whole, true, nil, 0},
		"KMS, CRC, changed":                   {16 * mib, 16 * mib, all(kms), changed, false, nil, 0},
		"longer":                              {16 * mib, 16 * mib, nil, append(slices.Clone(whole), 0), false, nil, 0},
		"shorter":                             {16 * mib, 16 * mib, nil, whole[:12*mib-1], false, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			key := strings.ReplaceAll(name, " ", "_")
			putter := open(t, server.Endpoint, func(s *Settings) { s.PartSize = c.put })
			putter.terms.present.parts = byMD5 // the store adds a CRC of the whole object
			if err := putter.Put(t.Context(), object(key, bytes.NewReader(whole), int64(len(whole)))); err != nil {
				t.Fatal(err)
			}
			g.forget()
			g.onAnswer(c.answer)
			s := open(t, g.endpoint, func(s *Settings) { s.PartSize = c.ask })
			body := &countingBody{Body: bytes.NewReader(c.content)}
			same, err := s.Same(t.Context(), key, body, int64(len(c.content)), modTime)
			if len(c.content) != len(whole) && body.bytes() > 0 {
				t.Errorf("%d bytes were read of a file of another size", body.bytes())
			}
			if same != c.same || !errors.Is(err, c.err) || c.err == nil && err != nil {
				t.Errorf("Same = %v, %v, want %v, %v", same, err, c.same, c.err)
			}
			parts := 0
			for _, call := range g.of("HEAD") {
				parts += call.part
			}
			if parts != c.partHEAD || len(g.of("GET")) != 0 {
				t.Errorf("the first part was asked for %d times, want %d", parts, c.partHEAD)
			}
			if c.err == nil {
				return
			}
			// Of another version it is at least known that it was not this one that was put.
			if same, err := sameAs(t, s, key, c.content, modTime.Add(1)); same || err != nil {
				t.Errorf("with another time, Same = %v, %v", same, err)
			}
			if same, err := sameAs(t, s, key, c.content, time.Time{}); same || !errors.Is(err, c.err) {
				t.Errorf("without a time, Same = %v, %v", same, err)
			}
		})
	}
}

// Each checksum that S3 knows, of one request and of parts, is computed as the server does.
func TestSameByEachChecksum(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	g := newGate(t, server)
	g.onAnswer(func(c *call, r *http.Response) error {
		if c.op == "HEAD" {
			r.Header.Set("Etag", `"opaque"`)
		}
		return nil
	})
	whole := content(1, clipSize)
	changed := slices.Clone(whole)
	changed[clipSize-1] ^= 1
	for _, algorithm := range []types.ChecksumAlgorithm{"SHA512", "SHA256", "SHA1", "MD5", "CRC64NVME", "CRC32C", "CRC32"} {
		for _, kind := range []types.ChecksumType{"", types.ChecksumTypeComposite, types.ChecksumTypeFullObject} {
			crc := strings.HasPrefix(string(algorithm), "CRC")
			if kind == types.ChecksumTypeFullObject && !crc || kind == types.ChecksumTypeComposite && algorithm == "CRC64NVME" {
				continue // S3 has no such checksum
			}
			t.Run(string(algorithm+" "+types.ChecksumAlgorithm(kind)), func(t *testing.T) {
				s := open(t, g.endpoint)
				key := string(algorithm) + string(kind)
				putWithChecksum(t, s, key, whole, algorithm, kind)
				head, err := s.head(t.Context(), &s3.HeadObjectInput{Key: &key, ChecksumMode: types.ChecksumModeEnabled}, nil)
				if err != nil {
					t.Fatal(err)
				}
				if checks := s.checksOf(head); len(checks) != 1 || (checks[0].part != nil) != (kind == types.ChecksumTypeComposite) {
					t.Fatalf("the server has %d checksums, %v", len(checks), head.ChecksumType)
				}
				if same, err := sameAs(t, s, key, whole, modTime); !same || err != nil {
					t.Errorf("Same = %v, %v", same, err)
				}
				if same, err := sameAs(t, s, key, changed, modTime); same || err != nil {
					t.Errorf("of other content, Same = %v, %v", same, err)
				}
			})
		}
	}
}

// putWithChecksum puts content in one request, or in two parts if kind is that of a checksum of
// parts.
func putWithChecksum(t *testing.T, s *Store, key string, content []byte, algorithm types.ChecksumAlgorithm, kind types.ChecksumType) {
	t.Helper()
	bucket := aws.String("live")
	if kind == "" {
		in := &s3.PutObjectInput{Bucket: bucket, Key: &key, Body: bytes.NewReader(content), ChecksumAlgorithm: algorithm}
		if algorithm == "MD5" {
			in.ChecksumAlgorithm, in.ChecksumMD5 = "", md5Of(content) // which the SDK does not compute
		}
		_, err := s.client.PutObject(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	upload, err := s.client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{
		Bucket: bucket, Key: &key, ChecksumAlgorithm: algorithm, ChecksumType: kind,
	})
	if err != nil {
		t.Fatal(err)
	}
	var parts []types.CompletedPart
	for i, body := range [][]byte{content[:5*mib], content[5*mib:]} {
		in := &s3.UploadPartInput{
			Bucket: bucket, Key: &key, UploadId: upload.UploadId, PartNumber: aws.Int32(int32(i + 1)),
			Body: bytes.NewReader(body), ChecksumAlgorithm: algorithm,
		}
		if algorithm == "MD5" {
			in.ChecksumAlgorithm, in.ChecksumMD5 = "", md5Of(body)
		}
		sent, err := s.client.UploadPart(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, types.CompletedPart{
			PartNumber: aws.Int32(int32(i + 1)), ETag: sent.ETag,
			ChecksumCRC32: sent.ChecksumCRC32, ChecksumCRC32C: sent.ChecksumCRC32C, ChecksumCRC64NVME: sent.ChecksumCRC64NVME,
			ChecksumSHA1: sent.ChecksumSHA1, ChecksumSHA256: sent.ChecksumSHA256, ChecksumSHA512: sent.ChecksumSHA512,
			ChecksumMD5: sent.ChecksumMD5,
		})
	}
	_, err = s.client.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{
		Bucket: bucket, Key: &key, UploadId: upload.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func md5Of(b []byte) *string {
	sum := md5.Sum(b)
	return aws.String(base64.StdEncoding.EncodeToString(sum[:]))
}

// The checksum of parts of uneven size cannot be compared.
func TestUnevenPartsAreNotCompared(t *testing.T) {
	head := &s3.HeadObjectOutput{ETag: aws.String(`"00112233445566778899aabbccddeeff-4"`), ContentLength: aws.Int64(20)}
	for _, first := range []int64{4, 7, 20} {
		p := plan{size: 20, partSize: first}
		if p.parts() == new(Store).checksOf(head)[0].Parts {
			t.Errorf("%d parts of %d bytes make 20", p.parts(), first)
		}
	}
}

func TestOnlyChecksumsOfTheContentAreCompared(t *testing.T) {
	for name, c := range map[string]struct {
		head s3.HeadObjectOutput
		n    int
	}{
		"nothing":                  {s3.HeadObjectOutput{}, 0},
		"MD5":                      {s3.HeadObjectOutput{ETag: aws.String(`"00112233445566778899aabbccddeeff"`)}, 1},
		"MD5, encrypted by S3":     {s3.HeadObjectOutput{ETag: aws.String(`"00112233445566778899aabbccddeeff"`), ServerSideEncryption: "AES256"}, 1},
		"MD5 of parts":             {s3.HeadObjectOutput{ETag: aws.String(`"00112233445566778899aabbccddeeff-3"`)}, 1},
		"MD5 of 0 parts":           {s3.HeadObjectOutput{ETag: aws.String(`"00112233445566778899aabbccddeeff-0"`)}, 0},
		"MD5 of some parts":        {s3.HeadObjectOutput{ETag: aws.String(`"00112233445566778899aabbccddeeff-x"`)}, 0},
		"as long as an MD5":        {s3.HeadObjectOutput{ETag: aws.String(`"00112233445566778899aabbccddeefx"`)}, 0},
		"weak":                     {s3.HeadObjectOutput{ETag: aws.String(`W/"00112233445566778899aabbccddeeff"`)}, 0},
		"KMS":                      {s3.HeadObjectOutput{ETag: aws.String(`"00112233445566778899aabbccddeeff"`), ServerSideEncryption: "aws:kms"}, 0},
		"KMS twice":                {s3.HeadObjectOutput{ETag: aws.String(`"00112233445566778899aabbccddeeff"`), ServerSideEncryption: "aws:kms:dsse"}, 0},
		"the customer's key":       {s3.HeadObjectOutput{ETag: aws.String(`"00112233445566778899aabbccddeeff"`), SSECustomerAlgorithm: aws.String("AES256")}, 0},
		"CRC32":                    {s3.HeadObjectOutput{ChecksumCRC32: aws.String("AAAAAA==")}, 1},
		"CRC32 of parts":           {s3.HeadObjectOutput{ChecksumCRC32: aws.String("AAAAAA==-2"), ChecksumType: types.ChecksumTypeComposite}, 1},
		"CRC32 of parts, how many": {s3.HeadObjectOutput{ChecksumCRC32: aws.String("AAAAAA=="), ChecksumType: types.ChecksumTypeComposite}, 0},
		"CRC32 that is too long":   {s3.HeadObjectOutput{ChecksumCRC32: aws.String("AAAAAAAAAAA=")}, 0},
		"CRC64 and MD5":            {s3.HeadObjectOutput{ChecksumCRC64NVME: aws.String("AAAAAAAAAAA="), ETag: aws.String(`"00112233445566778899aabbccddeeff"`)}, 2},
	} {
		if n := len(new(Store).checksOf(&c.head)); n != c.n {
			t.Errorf("%s: %d checks, want %d", name, n, c.n)
		}
	}
}

func TestSameIsAnErrorIfTheStoreDoesNotTell(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	g := newGate(t, server)
	s := open(t, g.endpoint)
	clip := content(1, clipSize)
	if same, err := sameAs(t, s, "a.mp4", clip, modTime); same || err != nil {
		t.Errorf("without an object, Same = %v, %v", same, err)
	}
	if err := s.Put(t.Context(), resumable("a.mp4", clip)); err != nil {
		t.Fatal(err)
	}
	g.onAnswer(hideChecksums)
	for name, c := range map[string]struct {
		part, status int // which HEAD is answered with what
		says         string
	}{
		"refused":           {0, 403, "allow s3:GetObject on arn:aws:s3:::live/*"},
		"out of order":      {0, 503, "503"},
		"no parts today":    {1, 503, "503"},
		"deleted meanwhile": {1, 404, errReplaced.Error()},
	} {
		g.onCall(func(call *call, w http.ResponseWriter, _ *http.Request) bool {
			if call.part == c.part {
				w.WriteHeader(c.status)
			}
			return call.part != c.part
		})
		if same, err := sameAs(t, s, "a.mp4", clip, modTime); same || err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: Same = %v, %v", name, same, err)
		}
	}
	g.onCall(func(call *call, w http.ResponseWriter, _ *http.Request) bool {
		if call.part == 1 {
			w.WriteHeader(501)
		}
		return call.part != 1
	})
	if same, err := sameAs(t, s, "a.mp4", clip, modTime); !same || err != nil {
		t.Errorf("a store that does not tell parts: Same = %v, %v", same, err)
	}
	g.onCall(nil)
	g.onAnswer(func(c *call, r *http.Response) error {
		if c.part == 1 {
			r.Header.Set("Etag", `"another"`)
		}
		return nil
	})
	if same, err := sameAs(t, s, "a.mp4", clip, modTime); same || !errors.Is(err, errReplaced) {
		t.Errorf("written meanwhile: Same = %v, %v", same, err)
	}
	g.onAnswer(nil)
	if same, err := s.Same(t.Context(), "a.mp4", bytes.NewReader(append(clip, 0)), clipSize, modTime); same || err != nil {
		t.Errorf("a file that has grown: Same = %v, %v", same, err)
	}
	if same, err := s.Same(t.Context(), "a.mp4", bytes.NewReader(clip[:clipSize-1]), clipSize, modTime); same || err == nil {
		t.Errorf("a file that was cut: Same = %v, %v", same, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	g.onAnswer(func(*call, *http.Response) error { cancel(); return nil })
	if same, err := s.Same(ctx, "a.mp4", bytes.NewReader(clip), clipSize, modTime); same || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: Same = %v, %v", same, err)
	}
}
