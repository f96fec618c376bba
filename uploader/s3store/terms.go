package s3store

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"ems-sidecar/uploader"
)

// Signing says whether the signature of a request covers its content.
type Signing string

// The values of SignPayload. Without TLS, an attacker on the way can replace content that the
// signature does not cover. Requests to a store on this host have no such way.
const (
	SignAuto Signing = "auto" // without TLS to another host, and if the store demands it
	SignOn   Signing = "on"
	SignOff  Signing = "off"
)

// terms say how content is sent.
type terms struct {
	whole  proof // of a whole object
	parts  proof // of the parts of an upload
	signed bool  // the signature covers it, by its SHA-256
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

// newAgreement begins with the terms first, signed or not as signing says. private says that requests
// cannot be changed on their way to the store.
func newAgreement(signing Signing, first terms, private bool) *agreement {
	signing = cmp.Or(signing, SignAuto)
	first.signed = signing == SignOn || signing != SignOff && !private
	return &agreement{signing: signing, present: first}
}

func (a *agreement) now() (t terms, proved bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.present, a.proved
}

// A matter says which of the terms a request depends on.
type matter struct {
	whole, signing bool
	parts          bool // it begins an upload
	part           bool // it sends a part of an upload that began with CRC32s
	once           bool // it has a condition, which is not met any more once it was applied
}

func (m matter) hasSums() bool { return m.whole || m.parts }

// isOffered reports whether it goes with a CRC32 that is this daemon's own idea, and may go without.
func (m matter) isOffered(t terms) bool { return m.hasSums() && t.proofOf(m).isOffered() }

// reached notes that the store accepted content in the terms t. from are the terms in which the
// attempt began: what others have learned of proofs meanwhile stays.
func (a *agreement) reached(from, t terms, m matter) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if m.whole && a.present.whole == from.whole {
		a.present.whole = t.whole
	}
	if (m.parts || m.part) && a.present.parts == from.parts {
		a.present.parts = t.parts
	}
	if m.signing {
		a.present.signed, a.proved = t.signed, true
	}
}

// withdraw has what m is about sent with an MD5 from now on, if the CRC32 was offered.
func (a *agreement) withdraw(m matter) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if m.whole && a.present.whole.isOffered() {
		a.present.whole = byMD5
	}
	if !m.whole && a.present.parts.isOffered() {
		a.present.parts = byMD5
	}
}

// errUntaken is about an upload that cannot go on with its CRC32s. The next one begins with MD5s.
var errUntaken = errors.New("the store does not take the checksums of the parts")

// judge adds errUntaken to err if the CRC32s of u may be the reason for it, and are the daemon's own
// choice.
func (a *agreement) judge(u *upload, err error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil || !u.crc32 || a.present.parts == byCRC32 || !u.isUntaken(err, a.present.parts) {
		return err
	}
	a.present.parts = byMD5
	return fmt.Errorf("%w: %w", errUntaken, err)
}

// isUntaken reports whether the CRC32s of u may be the reason for err. Once the store has taken one
// part, most errors have another reason, and much would be sent again. now is the proof of other
// uploads.
func (u *upload) isUntaken(err error, now proof) bool {
	o, code := objectionIn(err), codeOf(err)
	if o.toSums || errors.Is(err, errUnrepeated) {
		return true
	}
	switch len(u.missing()) {
	case len(u.parts): // it has taken none
		return o.toHeader || code == "SignatureDoesNotMatch" || now != byEcho && onTrial.isDoubtful(err)
	case 0: // it does not put them together
		return o.toHeader || spoilt[code]
	}
	return false
}

// reach makes the request, and makes it again in other terms if the store refuses it because of
// them. The terms that the store accepts are kept for later requests; the request may change them.
func (a *agreement) reach(m matter, request func(t *terms) error) error {
	from, proved := a.now()
	first := from
	if m.once {
		first.whole = from.whole.once()
	}
	t, tried := first, make(map[terms]bool)
	for {
		accepted := t
		err := request(&accepted)
		if err == nil {
			m.whole = m.whole && accepted.whole != first.whole
			a.reached(from, accepted, m)
			return nil
		}
		if t.proofOf(m).isDoubtful(err) {
			a.withdraw(m)
		}
		tried[t] = true
		if t = a.other(first, t, m, proved, err); tried[t] {
			return err
		}
	}
}

// isDoubtful reports whether err makes it doubtful that the store can prove by a CRC32. It may have
// another reason, so it does not have the request made again at once.
func (p proof) isDoubtful(err error) bool {
	switch p {
	case onTrial:
		return errors.Is(err, errUnrepeated) || codeOf(err) == "BadDigest" ||
			statusOf(err) == http.StatusInternalServerError
	case byEcho:
		return errors.Is(err, errUnrepeated) || errors.As(err, new(*otherContentError))
	}
	return false
}

// other returns the terms in which the store may accept what it refused in t, or t if there are
// none. first are the terms before any refusal.
func (a *agreement) other(first, t terms, m matter, proved bool, refusal error) terms {
	if t.isUnknown(m, refusal) {
		return t.withoutOffer(m)
	}
	o := objectionIn(refusal)
	signs := m.signing && a.signing == SignAuto && !t.signed
	switch {
	case signs && o.toPayload:
		t.signed = true
	case o.toSums && m.hasSums():
		t = t.withOtherSums(m)
	case signs && !proved && o.toAny:
		t.signed = true // as the refusal by a bucket's policy
	case m.isOffered(t) && o.toHeader:
		t = t.withoutOffer(m)
		t.signed = first.signed
	}
	return t
}

// isUnknown reports whether the store, or a proxy before it, does not know the checksum: the answer
// does not repeat it, or the header was dropped and the signature does not match any more.
func (t terms) isUnknown(m matter, refusal error) bool {
	if m.part { // its upload keeps its CRC32s, and an ETag may prove it
		return t.parts == byEcho && errors.Is(refusal, errUnrepeated)
	}
	return m.isOffered(t) && (errors.Is(refusal, errUnrepeated) || codeOf(refusal) == "SignatureDoesNotMatch")
}

// An objection is what a refusal may be about. Stores have no code for any of that.
type objection struct {
	toPayload, toSums bool // it names them
	toAny             bool // a refusal with its status may be about each of the terms
	toHeader          bool // the same, and about a header that the store does not know
}

func objectionIn(refusal error) (o objection) {
	var e *Error
	if !errors.As(refusal, &e) || !errors.Is(e, uploader.ErrPermanent) || bucketCodes[e.Code] {
		return o
	}
	text := strings.ToLower(e.Code + " " + e.Message)
	o.toPayload = strings.Contains(text, "unsigned") || strings.Contains(text, "content-sha256")
	o.toSums = strings.Contains(text, "checksum") || strings.Contains(text, "content-md5")
	switch e.Status {
	case http.StatusBadRequest, http.StatusNotImplemented:
		o.toAny, o.toHeader = true, !o.toPayload
	case http.StatusForbidden:
		o.toAny = true
	}
	return o
}

// proofOf returns the proof that m has in the terms t. A request without content has byMD5, which is
// never in doubt.
func (t terms) proofOf(m matter) proof {
	switch {
	case m.whole:
		return t.whole
	case m.parts || m.part:
		return t.parts
	}
	return byMD5
}

// withoutOffer returns t with MD5s for what m is about.
func (t terms) withoutOffer(m matter) terms {
	if m.whole {
		t.whole = byMD5
	} else {
		t.parts = byMD5
	}
	return t
}

// withOtherSums returns t with the other checksum for what m is about.
func (t terms) withOtherSums(m matter) terms {
	switch other := t.proofOf(m).other(); {
	case m.whole:
		t.whole = other
	case m.parts:
		t.parts = other
	}
	return t
}

// other returns the proof with the other checksum.
func (p proof) other() proof {
	if p == byMD5 {
		return byCRC32
	}
	return byMD5
}
