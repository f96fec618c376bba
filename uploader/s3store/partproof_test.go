package s3store

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"ems-sidecar/uploader"
	"ems-sidecar/uploader/publish"
)

// A partsProver is a store of uploads in parts. During the n-th Put, parts get the n-th answer, and
// later the last one. A nil answer refuses to begin an upload with CRC32s.
type partsProver struct {
	*Store
	completes reply // of an upload with CRC32s; nil: it succeeds

	mu      sync.Mutex
	answers []reply
	// The requests of each upload: "C" if it is begun with CRC32s, else "M"; "c" or "m" if parts have
	// one; "." if it is to be completed, and "…" with CRC32s.
	uploads []string
	sums    [2]publish.Checksum // the MD5s of the parts
}

func openPartsProver(t *testing.T, completes reply, answers ...reply) *partsProver {
	t.Helper()
	isolate(t)
	p := &partsProver{completes: completes, answers: answers}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.Store = open(t, server.URL, func(t *Settings) { t.SignPayload = SignOn })
	return p
}

// ServeHTTP implements http.Handler.
func (p *partsProver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	content, err := io.ReadAll(r.Body)
	if err != nil {
		return // the upload was given up
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	q := r.URL.Query()
	id, _ := strconv.Atoi(q.Get("uploadId"))
	switch operation(r.Method, q) {
	case "Create":
		p.begin(w, r)
	case "UploadPart":
		number, _ := strconv.Atoi(q.Get("partNumber"))
		p.sums[number-1] = sums{md5: *md5Of(content)}.checksum()
		sent := "m"
		if r.Header.Get(sumHeader) == crc32Of(content) && r.Header.Get("Content-Md5") == "" {
			sent = "c"
		}
		p.note(id, sent)
		if p.answers[0] == nil {
			silence(w, r, content)
		} else {
			p.answers[0](w, r, content)
		}
	case "Complete":
		p.complete(w, r, id, content)
	case "Abort":
		w.WriteHeader(http.StatusNoContent)
	default:
		refuse(w, r, http.StatusForbidden, "AccessDenied") // as a list
	}
}

func (p *partsProver) begin(w http.ResponseWriter, r *http.Request) {
	with := "M"
	if r.Header.Get("X-Amz-Checksum-Algorithm") != "" {
		with = "C"
	}
	p.uploads = append(p.uploads, with)
	if with == "C" && p.answers[0] == nil {
		refuse(w, r, http.StatusNotImplemented, "NotImplemented")
		return
	}
	fmt.Fprintf(w, "<InitiateMultipartUploadResult><UploadId>%d</UploadId></InitiateMultipartUploadResult>",
		len(p.uploads)-1)
}

// note notes a request, and those that are alike only once: the first failure ends the others.
func (p *partsProver) note(id int, what string) {
	if !strings.Contains(p.uploads[id], what) {
		p.uploads[id] += what
	}
}

func (p *partsProver) complete(w http.ResponseWriter, r *http.Request, id int, content []byte) {
	what := "."
	if strings.Count(string(content), "<ChecksumCRC32>") == 2 {
		what = "…"
	}
	p.note(id, what)
	if p.completes != nil && strings.HasPrefix(p.uploads[id], "C") {
		p.completes(w, r, content)
		return
	}
	completed(publish.JoinMD5s(p.sums[:]).String(), "")(w, r, content)
}

// completed answers that an upload is complete, with an ETag and perhaps a CRC32.
func completed(etag, crc32 string) reply {
	return func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		fmt.Fprintf(w, "<CompleteMultipartUploadResult><ETag>\"%s\"</ETag>", etag)
		if crc32 != "" {
			fmt.Fprintf(w, "<ChecksumCRC32>%s</ChecksumCRC32>", crc32)
		}
		fmt.Fprint(w, "</CompleteMultipartUploadResult>")
	}
}

// put puts a clip, which has two parts.
func (p *partsProver) put(t *testing.T, resumable bool) error {
	t.Helper()
	clip := content(1, clipSize)
	o := object("a.mp4", bytes.NewReader(clip), clipSize)
	o.Resumable = resumable
	err := p.Put(t.Context(), o)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.answers) > 1 {
		p.answers = p.answers[1:]
	}
	return err
}

// A store that repeats the CRC32s of the first parts gets nothing else from then on. At another one,
// an upload that cannot go on begins again with MD5s, at once. "." is a Put that succeeds, and "!" one
// that fails.
func TestStoreThatRepeatsTheCRC32sOfPartsIsSentNothingElse(t *testing.T) {
	const likeMD5 = "00112233445566778899aabbccddeeff-2"
	hidden, mute := opaque(repeats), opaque(silence)
	kms := func(w http.ResponseWriter, r *http.Request, content []byte) {
		repeats(w, r, content)
		w.Header().Set("X-Amz-Server-Side-Encryption", "aws:kms")
		w.Header().Set("ETag", `"00112233445566778899aabbccddeeff"`)
	}
	for name, c := range map[string]struct {
		completes reply
		answers   []reply
		puts      string
		uploads   string
		proof     proof // then
	}{
		"repeats it":                        {nil, []reply{repeats}, "..", "Cc… Cc…", byEcho},
		"with ETags that are no MD5s":       {completed(likeMD5, ""), []reply{hidden}, "..", "Cc… Cc…", byEcho},
		"with ETags that look like MD5s":    {completed(likeMD5, ""), []reply{kms}, "..", "Cc… Cc…", byEcho},
		"does not":                          {nil, []reply{silence}, "..", "Cc. Mm.", byMD5},
		"does not, and has no MD5s":         {nil, []reply{mute}, "..", "Cc Mm. Mm.", byMD5},
		"of parts, and has no MD5s":         {nil, []reply{opaque(ofParts)}, "..", "Cc Mm. Mm.", byMD5},
		"another one, and has no MD5s":      {nil, []reply{opaque(another)}, "..", "Cc Mm. Mm.", byMD5},
		"does not begin with it":            {nil, []reply{nil}, "..", "C Mm. Mm.", byMD5},
		"refuses it":                        {nil, []reply{withCRC32(refused(400, "InvalidRequest"))}, "..", "Cc Mm. Mm.", byMD5},
		"does not know it":                  {nil, []reply{withCRC32(refused(501, "NotImplemented"))}, "..", "Cc Mm. Mm.", byMD5},
		"is behind a proxy that drops it":   {nil, []reply{withCRC32(refused(403, "SignatureDoesNotMatch"))}, "..", "Cc Mm. Mm.", byMD5},
		"sums up in another way":            {nil, []reply{withCRC32(refused(400, "BadDigest"))}, "..", "Cc Mm. Mm.", byMD5},
		"breaks at it":                      {nil, []reply{withCRC32(refused(500, "InternalError"))}, "..", "Cc Mm. Mm.", byMD5},
		"cannot put together":               {refused(501, "NotImplemented"), []reply{repeats}, "..", "Cc… Mm. Mm.", byMD5},
		"does not know it at the end":       {refused(400, "MalformedXML"), []reply{repeats}, "..", "Cc… Mm. Mm.", byMD5},
		"does not have it at the end":       {refused(400, "InvalidPart"), []reply{repeats}, "..", "Cc… Mm. Mm.", byMD5},
		"repeats it no more":                {nil, []reply{repeats, silence}, "...", "Cc… Cc. Mm.", byMD5},
		"repeats it no more, has no MD5s":   {nil, []reply{hidden, mute}, "...", "Cc… Cc Mm. Mm.", byMD5},
		"repeats it, and then refuses it":   {nil, []reply{repeats, withCRC32(refused(501, "NotImplemented"))}, "...", "Cc… Cc Mm. Mm.", byMD5},
		"repeats another one at the end":    {completed("opaque", crc32Of(nil)+"-2"), []reply{hidden}, "!", "Cc…", byEcho},
		"repeats one of the whole":          {completed("opaque", crc32Of(content(1, clipSize))), []reply{hidden}, ".", "Cc…", byEcho},
		"has other content than it repeats": {completed(likeMD5, ""), []reply{repeats}, "!", "Cc…", byEcho},
	} {
		for _, resumable := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, resumable %v", name, resumable), func(t *testing.T) {
				p := openPartsProver(t, c.completes, c.answers...)
				for i, want := range c.puts {
					if err := p.put(t, resumable); (err != nil) != (want == '!') {
						t.Errorf("PUT %d: %v", i+1, err)
					}
				}
				p.wants(t, c.uploads, c.proof)
			})
		}
	}
}

func (p *partsProver) wants(t *testing.T, uploads string, then proof) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if got := strings.Join(p.uploads, " "); got != uploads {
		t.Errorf("the uploads were %q, want %q", got, uploads)
	}
	if now, _ := p.terms.now(); now.parts != then {
		t.Errorf("the proof is %d, want %d", now.parts, then)
	}
}

// What has been sent is not sent again for a failure that is probably none of the CRC32s.
func TestUploadWithCRC32sGoesOnAfterAFailure(t *testing.T) {
	for name, c := range map[string]struct {
		completes reply
		answers   []reply
		puts      string
		uploads   string
		proof     proof // then
	}{
		"away at first":             {nil, []reply{refused(503, "SlowDown"), repeats}, "!.", "Cc…", byEcho},
		"another CRC32, once":       {nil, []reply{repeats, another, repeats}, ".!..", "Cc… Cc… Mm.", byMD5},
		"broken later":              {nil, []reply{repeats, refused(500, "InternalError"), repeats}, ".!.", "Cc… Cc…", byEcho},
		"broken when it is the end": {refused(500, "InternalError"), []reply{repeats}, "!!", "Cc…", byEcho},
		"gone when it is the end":   {refused(503, "SlowDown"), []reply{repeats}, "!!", "Cc…", byEcho},
	} {
		t.Run(name, func(t *testing.T) {
			p := openPartsProver(t, c.completes, c.answers...)
			for i, want := range c.puts {
				if err := p.put(t, true); (err != nil) != (want == '!') {
					t.Errorf("PUT %d: %v", i+1, err)
				}
			}
			p.wants(t, c.uploads, c.proof)
		})
	}
}

// Where the config of the SDK asks for CRC32s, parts have nothing else, even if the store refuses them.
func TestCRC32sOfPartsThatAreAskedForStay(t *testing.T) {
	p := openPartsProver(t, nil, withCRC32(refused(501, "NotImplemented")))
	p.terms.present.parts = byCRC32
	if err := p.put(t, true); err == nil {
		t.Error("it succeeds")
	}
	p.wants(t, "Cc", byCRC32)
}

// The CRC32 of an object in parts is that of the CRC32s of its parts.
func TestCRC32OfAnObjectIsThatOfItsParts(t *testing.T) {
	clip := content(1, clipSize)
	first, second := crc32Of(clip[:5*mib]), crc32Of(clip[5*mib:])
	u := &upload{parts: []part{{sums: sums{crc32: first}}, {sums: sums{crc32: second}}}}
	all := crc32.NewIEEE()
	for _, s := range []string{first, second} {
		b, _ := base64.StdEncoding.DecodeString(s)
		all.Write(b)
	}
	want := publish.Checksum{Sum: string(all.Sum(nil)), Parts: 2}
	if got, known := u.crc32s(); !known || got != want {
		t.Errorf("it is %v, %v, want %v", got, known, want)
	}
	u.parts[1].crc32 = ""
	if _, known := u.crc32s(); known {
		t.Error("it is known without that of a part")
	}
}

// A file that changes while a part of it is sent does not become an object of two contents, whatever
// proves the parts.
func TestFileThatChangesWhileAPartIsSentLeavesNoMixture(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	before := content(1, clipSize)
	after := bytes.Clone(before)
	after[0] = '!'
	for _, signing := range []Signing{SignOn, SignOff} {
		for _, p := range []proof{byMD5, byCRC32, onTrial, byEcho} {
			for _, resumable := range []bool{true, false} {
				key := fmt.Sprint(signing, p, resumable)
				s := open(t, server.Endpoint, func(t *Settings) { t.SignPayload = signing })
				s.terms.present.parts = p
				o := object(key, &changing{Reader: bytes.NewReader(before), after: 1}, clipSize)
				o.Resumable = resumable
				err := s.Put(t.Context(), o)
				if err == nil && p == onTrial {
					wantObject(t, server, key, after) // all parts were sent again, with MD5s
					continue
				}
				if err == nil || errors.Is(err, uploader.ErrPermanent) {
					t.Errorf("%s: %v", key, err)
				}
				if _, err := server.Object(key); err == nil {
					t.Errorf("%s: there is an object", key)
				}
			}
		}
	}
}
