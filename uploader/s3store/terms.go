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

// The values of SignPayload. Without TLS, an attacker on the way can replace content that the
// signature does not cover.
const (
	SignAuto Signing = "auto" // without TLS, and if the store demands it
	SignOn   Signing = "on"
	SignOff  Signing = "off"
)

// terms say how content is sent.
type terms struct {
	crc32  bool // with a CRC32; else with an MD5, which every store knows
	signed bool // the signature covers it, by its SHA-256
}

// payload returns the payload hash to sign for content with the SHA-256 sum.
func (t terms) payload(sum string) string {
	if t.signed {
		return sum
	}
	return "UNSIGNED-PAYLOAD"
}

// An agreement has the terms that one store accepts. It is safe for concurrent use.
type agreement struct {
	signing Signing

	mu      sync.Mutex
	present terms
	proved  bool // the store accepted content in the present terms
}

func newAgreement(signing Signing, crc32, secure bool) *agreement {
	signing = cmp.Or(signing, SignAuto)
	return &agreement{signing: signing, present: terms{crc32: crc32, signed: signing == SignOn || signing != SignOff &&
		!secure}}
}

func (a *agreement) now() (t terms, proved bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.present, a.proved
}

// A matter says which of the terms a request depends on.
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

// reach makes the request, and makes it again in other terms if the store refuses it because of
// them. The terms that the store accepts are kept for later requests.
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

// other returns the terms in which the store may accept what it refused in t, or t if there are
// none.
func (a *agreement) other(t terms, m matter, proved bool, refusal error) terms {
	var e *Error
	if !errors.As(refusal, &e) || !errors.Is(e, uploader.ErrPermanent) || bucketCodes[e.Code] {
		return t
	}
	// Stores have no code for either refusal.
	text := strings.ToLower(e.Code + " " + e.Message)
	named := strings.Contains(text, "unsigned") || strings.Contains(text, "content-sha256")
	silent := !proved // as the refusal by a bucket's policy
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
