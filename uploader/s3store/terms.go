package s3store

import (
	"cmp"
	"errors"
	"net/http"
	"strings"
	"sync"

	"ems-sidecar/uploader"
)

// Signing says whether the signature of a request covers its content.
type Signing string

// What SignPayload may be. Without TLS, someone on the way could put other content under a
// signature that does not cover it.
const (
	SignAuto Signing = "auto" // only without TLS, and where the store wants it
	SignOn   Signing = "on"
	SignOff  Signing = "off"
)

// terms are in what way content is sent.
type terms struct {
	crc32  bool // with a CRC32; else with an MD5, which every store knows
	signed bool // the signature has a SHA-256 of it
}

// payload is what the signature says of content with the SHA-256.
func (t terms) payload(sum string) string {
	if t.signed {
		return sum
	}
	return "UNSIGNED-PAYLOAD"
}

// An agreement is on the terms that one store takes. It is safe for concurrent use.
type agreement struct {
	signing Signing

	mu      sync.Mutex
	present terms
	proved  bool // the store took content that was signed so
}

func newAgreement(signing Signing, crc32, secure bool) *agreement {
	signing = cmp.Or(signing, SignAuto)
	return &agreement{signing: signing, present: terms{crc32: crc32, signed: signing == SignOn || signing != SignOff && !secure}}
}

func (a *agreement) now() (t terms, proved bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.present, a.proved
}

// A matter is what a request depends on of the terms.
type matter struct{ sums, signing bool }

func (a *agreement) reached(t terms, m matter) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if m.sums {
		a.present.crc32 = t.crc32
	}
	if m.signing {
		a.present.signed, a.proved = t.signed, true
	}
}

// reach makes the request, and makes it in other terms if the store refuses it for them. Those that
// it takes are those of all requests to come.
func (a *agreement) reach(m matter, request func(t terms) error) error {
	t, proved := a.now()
	tried := make(map[terms]bool)
	for {
		err := request(t)
		if err == nil {
			a.reached(t, m)
			return nil
		}
		tried[t] = true
		if t = a.other(t, m, proved, err); tried[t] {
			return err
		}
	}
}

// other returns the terms in which the store may take what it refused in t, or t.
func (a *agreement) other(t terms, m matter, proved bool, refusal error) terms {
	var e *Error
	if !errors.As(refusal, &e) || !errors.Is(e, uploader.ErrPermanent) || bucketCodes[e.Code] {
		return t
	}
	// Stores have no code for either.
	text := strings.ToLower(e.Code + " " + e.Message)
	named := strings.Contains(text, "unsigned") || strings.Contains(text, "content-sha256")
	silent := !proved // as that of a bucket's policy
	switch e.Status {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusNotImplemented:
	default:
		silent = false
	}
	signs := m.signing && a.signing == SignAuto && !t.signed
	switch {
	case signs && named:
		t.signed = true
	case m.sums && (strings.Contains(text, "checksum") || strings.Contains(text, "content-md5")):
		t.crc32 = !t.crc32
	case signs && silent:
		t.signed = true
	}
	return t
}
