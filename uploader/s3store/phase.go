package s3store

import (
	"context"
	"fmt"
	"net/http/httptrace"
	"sync"

	"github.com/aws/smithy-go/middleware"
)

// A Phase is what a request does at a time.
type Phase int

// The phases, in their order. A connection that is there already saves the three in the middle.
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

// An UnansweredError is that of a request without a whole answer. It wraps what the SDK said.
type UnansweredError struct {
	Phase   Phase  // in which it failed, or its time was over
	Address string // with whom; when resolving the name, when connecting all that were tried, with commas
	err     error
}

func (e *UnansweredError) Error() string {
	return fmt.Sprintf("%s: %v", e.doing(), e.err)
}

// doing says what the request did then, as after "while".
func (e *UnansweredError) doing() string {
	if e.Address == "" {
		return e.Phase.String()
	}
	return e.Phase.String() + " " + e.Address
}

func (e *UnansweredError) Unwrap() error { return e.err }

// A progress is how far a request has come.
type progress struct {
	mu      sync.Mutex
	phase   Phase
	address string
}

type progressKey struct{}

// progressOf returns the progress of the request that ctx is of. Of any other, it may be written to
// for nothing.
func progressOf(ctx context.Context) *progress {
	if p, ok := ctx.Value(progressKey{}).(*progress); ok {
		return p
	}
	return &progress{}
}

// begin notes that the request is sent, again if it was sent before.
func (p *progress) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.phase, p.address = 0, ""
}

// enter notes that a phase has begun; with an empty address, with the same as the one before. There
// is no way back: the connection that is made for a request may come too late for it, and an answer
// before all is sent.
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

// trace has the transport note the phases that begin when a connection is there.
func (p *progress) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn:           func(string) { p.begin() },
		TLSHandshakeStart: func() { p.enter(Handshaking, "") },
		GotConn:           func(i httptrace.GotConnInfo) { p.enter(Sending, i.Conn.RemoteAddr().String()) },
		WroteRequest: func(i httptrace.WroteRequestInfo) {
			if i.Err == nil {
				p.enter(Waiting, "")
			}
		},
	}
}

// tellPhase has each error of a request without an answer tell its phase. The SDK drops the
// transport's error when the time is over, so that it is told from outside.
func tellPhase(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("Phase", func(
		ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
	) (middleware.InitializeOutput, middleware.Metadata, error) {
		p := &progress{}
		out, metadata, err := next.HandleInitialize(context.WithValue(ctx, progressKey{}, p), in)
		if phase, address := p.now(); err != nil && phase != 0 && phase != Reading {
			err = &UnansweredError{phase, address, err}
		}
		return out, metadata, err
	}), middleware.Before)
}
