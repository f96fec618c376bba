package s3store

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"ems-sidecar/uploader"
)

// crc32Of returns the CRC32 as S3's headers have it.
func crc32Of(content []byte) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(content)))
}

// sumHeader is the header in which a store repeats a CRC32.
const sumHeader = "X-Amz-Checksum-Crc32"

// A reply is how a store answers a request with content.
type reply func(w http.ResponseWriter, r *http.Request, content []byte)

// stored answers with the MD5 as the ETag and, if it is not empty, with the CRC32 that sum makes of
// the right one.
func stored(sum func(right string) string) reply {
	return func(w http.ResponseWriter, _ *http.Request, content []byte) {
		w.Header().Set("ETag", fmt.Sprintf("\"%x\"", md5.Sum(content)))
		if s := sum(crc32Of(content)); s != "" {
			w.Header().Set(sumHeader, s)
		}
	}
}

// opaque answers as a, with an ETag that is no MD5.
func opaque(a reply) reply {
	return func(w http.ResponseWriter, r *http.Request, content []byte) {
		a(w, r, content)
		w.Header().Set("ETag", `"opaque"`)
	}
}

func refused(status int, code string) reply {
	return func(w http.ResponseWriter, r *http.Request, _ []byte) { refuse(w, r, status, code) }
}

var (
	repeats = stored(func(right string) string { return right })
	silence = stored(func(string) string { return "" })
	another = stored(func(string) string { return "AAAAAA==" })
	ofParts = stored(func(right string) string { return right + "-1" })
)

// withCRC32 answers a request that has a CRC32 as a, and another as a store that knows only MD5s.
func withCRC32(a reply) reply {
	return func(w http.ResponseWriter, r *http.Request, content []byte) {
		if r.Header.Get(sumHeader) == "" {
			silence(w, r, content)
		} else {
			a(w, r, content)
		}
	}
}

// A prover is a store whose n-th request gets the n-th answer, and all that follow the last one.
type prover struct {
	*Store
	requests string // "c" for each one with a CRC32, "m" with an MD5
}

func openProver(t *testing.T, answers ...reply) *prover {
	t.Helper()
	isolate(t)
	p := &prover{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, _ := io.ReadAll(r.Body)
		n := len(p.requests)
		if r.Header.Get(sumHeader) == crc32Of(content) && r.Header.Get("Content-Md5") == "" {
			p.requests += "c"
		} else {
			p.requests += "m"
		}
		answers[min(n, len(answers)-1)](w, r, content)
	}))
	t.Cleanup(server.Close)
	p.Store = open(t, server.URL, func(t *Settings) { t.SignPayload = SignOn })
	return p
}

// put puts an object, and returns the requests that this took.
func (p *prover) put(t *testing.T, o uploader.Object) (requests string, err error) {
	t.Helper()
	before := len(p.requests)
	err = p.Put(t.Context(), o)
	return p.requests[before:], err
}

func small() uploader.Object { return object("k", strings.NewReader("content"), 7) }

// A store that repeats the CRC32 of the first object gets nothing else from then on. Another one
// gets MD5s, and what is not proved is sent again at once.
func TestStoreThatRepeatsTheCRC32IsSentNothingElse(t *testing.T) {
	anError := func(err error) bool { return err != nil && !errors.Is(err, uploader.ErrPermanent) }
	lower := func(w http.ResponseWriter, _ *http.Request, content []byte) {
		w.Header()["etag"] = []string{fmt.Sprintf("\"%x\"", md5.Sum(content))}
		w.Header()["x-amz-checksum-CRC32"] = []string{crc32Of(content)}
	}
	noETag := func(w http.ResponseWriter, _ *http.Request, content []byte) {
		w.Header().Set(sumHeader, crc32Of(content))
	}
	for name, c := range map[string]struct {
		answers []reply
		puts    []string // the requests of each; "!" is behind those of one that fails
		proof   proof    // then
	}{
		"repeats it":                      {[]reply{repeats}, []string{"c", "c", "c"}, byEcho},
		"in other letters":                {[]reply{lower}, []string{"c", "c"}, byEcho},
		"with an ETag that is no MD5":     {[]reply{opaque(repeats)}, []string{"c", "c"}, byEcho},
		"does not":                        {[]reply{silence}, []string{"c", "m", "m"}, byMD5},
		"does not, and has no MD5":        {[]reply{opaque(silence)}, []string{"cm", "m"}, byMD5},
		"of parts":                        {[]reply{ofParts}, []string{"c", "m"}, byMD5},
		"of parts, and has no MD5":        {[]reply{opaque(ofParts)}, []string{"cm", "m"}, byMD5},
		"another one":                     {[]reply{another}, []string{"c", "m"}, byMD5},
		"another one, and has no MD5":     {[]reply{opaque(another)}, []string{"cm", "m"}, byMD5},
		"repeats it, without an ETag":     {[]reply{noETag}, []string{"c!", "c!"}, onTrial},
		"refuses it":                      {[]reply{withCRC32(refused(400, "InvalidRequest"))}, []string{"cm", "m"}, byMD5},
		"does not know it":                {[]reply{withCRC32(refused(501, "NotImplemented"))}, []string{"cm", "m"}, byMD5},
		"is behind a proxy that drops it": {[]reply{withCRC32(refused(403, "SignatureDoesNotMatch"))}, []string{"cm", "m"}, byMD5},
		"sums up in another way":          {[]reply{withCRC32(refused(400, "BadDigest"))}, []string{"c!", "m"}, byMD5},
		"breaks at it":                    {[]reply{withCRC32(refused(500, "InternalError"))}, []string{"c!", "m"}, byMD5},
		"is away at first":                {[]reply{refused(503, "SlowDown"), repeats}, []string{"c!", "c", "c"}, byEcho},
		"denies all":                      {[]reply{refused(403, "AccessDenied")}, []string{"c!", "c!"}, onTrial},
		"repeats it no more":              {[]reply{repeats, silence}, []string{"c", "cm", "m"}, byMD5},
		"repeats it, and then of parts":   {[]reply{repeats, ofParts}, []string{"c", "cm", "m"}, byMD5},
		"repeats it, and then no ETag":    {[]reply{repeats, noETag}, []string{"c", "c!", "c!"}, byEcho},
		"repeats it, and then another":    {[]reply{repeats, another}, []string{"c", "c!", "m"}, byMD5},
		"repeats it, and then refuses it": {[]reply{repeats, withCRC32(refused(501, "NotImplemented"))}, []string{"c", "cm", "m"}, byMD5},
		"repeats it, and is then broken":  {[]reply{repeats, refused(500, "InternalError"), repeats}, []string{"c", "c!", "c"}, byEcho},
		"repeats it, and fails when it is no more": {
			[]reply{repeats, silence, refused(503, "SlowDown"), silence}, []string{"c", "cm!", "m"}, byMD5,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := openProver(t, c.answers...)
			for i, want := range c.puts {
				got, err := p.put(t, small())
				want, fails := strings.CutSuffix(want, "!")
				if got != want || (err != nil) != fails || fails && !strings.HasPrefix(name, "denies") && !anError(err) {
					t.Errorf("PUT %d took the requests %q, %v; want %q", i+1, got, err, want)
				}
			}
			now, _ := p.terms.now()
			if now.whole != c.proof {
				t.Errorf("the proof is %d, want %d", now.whole, c.proof)
			}
			// The MD5 takes most of the time.
			if n := now.whole.need(); n != (need{md5: c.proof != byEcho, crc32: c.proof != byMD5}) {
				t.Errorf("the proof needs %+v", n)
			}
		})
	}
}

// What the store says that it has must be what was sent, in the answer to the first request of a
// race as in that to the second.
func TestBothAnswersOfARaceAreProved(t *testing.T) {
	for name, c := range map[string]struct {
		first, second reply
		settles       bool
		proved        bool
	}{
		"both":           {repeats, repeats, true, true},
		"the second":     {another, repeats, false, true},
		"the first":      {repeats, another, true, true},
		"none":           {another, another, true, false},
		"none, of parts": {another, ofParts, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			var x *racer
			s, x := openRacer(t, func(n int, w http.ResponseWriter, r *http.Request) {
				<-x.reached[3-n]
				if n == 1 {
					c.first(w, r, raced)
				} else {
					c.second(w, r, raced)
				}
			})
			s.terms.present.whole = byEcho
			r := &testRace{may: true, settles: c.settles}
			err := x.put(t, s, r)
			if (err == nil) != c.proved || !c.proved && !isOtherContent(err) || r.ended != 1 {
				t.Errorf("%v; the race ended %d times", err, r.ended)
			}
		})
	}
}

// A request with a condition is not made again when it may have been applied: the condition would
// not be met, and a recording would get another name.
func TestRequestWithAConditionIsNotMadeAgain(t *testing.T) {
	conditional := func() uploader.Object {
		o := small()
		o.IfAbsent = true
		return o
	}
	wrong := func(w http.ResponseWriter, _ *http.Request, content []byte) {
		w.Header().Set("ETag", fmt.Sprintf("\"%x\"", md5.Sum(nil)))
		w.Header().Set(sumHeader, crc32Of(content))
	}
	for name, c := range map[string]struct {
		answers []reply
		first   bool // it is the first object
		want    string
		fails   bool
		then    proof
	}{
		"the first":                    {[]reply{opaque(silence)}, true, "m", false, onTrial},
		"a later one":                  {[]reply{repeats}, false, "c", false, byEcho},
		"a later one, not repeated":    {[]reply{repeats, silence}, false, "c", false, byEcho},
		"a later one, other content":   {[]reply{repeats, wrong}, false, "c", true, byEcho},
		"refused for the MD5":          {[]reply{refused(400, "Content-MD5 is not supported"), silence}, true, "mc", false, byCRC32},
		"refused for another reason":   {[]reply{refused(501, "NotImplemented")}, true, "m", true, onTrial},
		"refused for another, a later": {[]reply{repeats, refused(400, "InvalidArgument")}, false, "c", true, byEcho},
	} {
		t.Run(name, func(t *testing.T) {
			p := openProver(t, c.answers...)
			if !c.first {
				if _, err := p.put(t, small()); err != nil {
					t.Fatal(err)
				}
			}
			before := len(p.requests)
			a := &attempt{store: p.Store, object: conditional(), cancel: func() {}}
			in := p.putInput(a.object)
			in.Body = io.NewSectionReader(a.object.Body, 0, 7)
			if _, err := a.PutObject(t.Context(), in); (err != nil) != c.fails || p.requests[before:] != c.want {
				t.Errorf("it took the requests %q, %v", p.requests[before:], err)
			}
			if now, _ := p.terms.now(); now.whole != c.then {
				t.Errorf("the proof is %d, want %d", now.whole, c.then)
			}
		})
	}
}

// What one request learns is not forgotten when another one ends that began before.
func TestWhatOthersLearnedOfProofsStays(t *testing.T) {
	var s *Store
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, _ := io.ReadAll(r.Body)
		if requests.Add(1) == 1 { // while it is answered, another one is not repeated
			s.terms.withdraw(matter{whole: true})
		}
		repeats(w, r, content)
	}))
	t.Cleanup(server.Close)
	s = open(t, server.URL)
	if err := s.Put(t.Context(), small()); err != nil {
		t.Fatal(err)
	}
	if now, _ := s.terms.now(); now.whole != byMD5 {
		t.Errorf("the proof is %d", now.whole)
	}
}

// A real server repeats the CRC32, and refuses a wrong one.
func TestRealServerRepeatsTheCRC32(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	s := open(t, server.Endpoint)
	for _, content := range []string{"content", "", strings.Repeat("c", 300_000)} {
		if err := s.Put(t.Context(), object("k", strings.NewReader(content), int64(len(content)))); err != nil {
			t.Fatal(err)
		}
		if now, _ := s.terms.now(); now.whole != byEcho {
			t.Errorf("after %d bytes the proof is %d", len(content), now.whole)
		}
	}
	err := s.Put(t.Context(), object("k", &changing{Reader: bytes.NewReader([]byte("another")), after: 1}, 7))
	if err == nil || errors.Is(err, uploader.ErrPermanent) {
		t.Errorf("what changed while it was sent: %v", err)
	}
}
