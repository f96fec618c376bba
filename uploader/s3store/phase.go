package s3store

import (
	"context"
	"fmt"
	"net/http/httptrace"
	"sync"

	"github.com/aws/smithy-go/middleware"
)

// A Phase is a step of a request.
type Phase int

// The phases, in order. A request over an open connection skips Resolving, Connecting and
// Handshaking.
const (
	Authorizing Phase = iota + 1 // getting credentials
	Resolving                    // asking DNS for the addresses of a name
	Connecting
	Handshaking // agreeing on TLS
	Sending     // the request
	Waiting     // for the answer
	Reading     // the answer
)

func (p Phase) String() string {
	switch p {
	case Authorizing:
		return "getting credentials"
	case Resolving:
		return "asking DNS for"
	case Connecting:
		return "connecting to"
	case Handshaking:
		return "agreeing on TLS with"
	case Sending:
		return "sending to"
	case Waiting:
		return "waiting for the answer of"
	}
	return "reading the answer of"
}

// An UnansweredError is about a request without a whole answer. It wraps the SDK's error.
type UnansweredError struct {
	Phase   Phase  // in which it failed or timed out
	Address string // of the peer; for Resolving, the name; for Connecting, all that were tried
	err     error
}

func (e *UnansweredError) Error() string {
	return fmt.Sprintf("%s: %v", e.doing(), e.err)
}

// doing returns what the request did, for a text after "while".
func (e *UnansweredError) doing() string {
	if e.Address == "" {
		return e.Phase.String()
	}
	return e.Phase.String() + " " + e.Address
}

func (e *UnansweredError) Unwrap() error { return e.err }

// A progress knows the phase of a request.
type progress struct {
	mu      sync.Mutex
	phase   Phase
	address string
}

type progressKey struct{}

// progressOf returns the progress of the request with ctx. For other contexts, it returns one that
// is not used.
func progressOf(ctx context.Context) *progress {
	if p, ok := ctx.Value(progressKey{}).(*progress); ok {
		return p
	}
	return &progress{}
}

// begin notes that the request begins, perhaps again.
func (p *progress) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.phase, p.address = 0, ""
}

// enter notes that a phase has begun. An empty address means that of the phase before. It ignores
// an earlier phase: a connection may be made too late for its request, and an answer may come
// before the whole request is sent.
func (p *progress) enter(phase Phase, address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if phase < p.phase {
		return
	}
	p.phase = phase
	if address != "" {
		p.address = address
	}
}

func (p *progress) now() (phase Phase, address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.phase, p.address
}

// trace has the transport note the phases from the handshake on, except Sending.
func (p *progress) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn:           func(string) { p.begin() },
		TLSHandshakeStart: func() { p.enter(Handshaking, "") },
		WroteRequest: func(i httptrace.WroteRequestInfo) {
			if i.Err == nil {
				p.enter(Waiting, "")
			}
		},
	}
}

// told adds the phase to the error of a request without an answer.
func (p *progress) told(err error) error {
	if phase, address := p.now(); err != nil && phase != 0 && phase != Reading {
		return &UnansweredError{phase, address, err}
	}
	return err
}

// tellPhase adds the phase to the error of a request without an answer. At a timeout the SDK drops
// the transport's error, so the phase is added outside of it.
func tellPhase(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("Phase", func(
		ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
	) (middleware.InitializeOutput, middleware.Metadata, error) {
		p := progressOf(ctx) // of a request that a direct has sent; else its own
		out, metadata, err := next.HandleInitialize(context.WithValue(ctx, progressKey{}, p), in)
		return out, metadata, p.told(err)
	}), middleware.Before)
}
