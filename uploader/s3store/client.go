package s3store

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

const (
	// serviceTime limits one answer of a service that gives credentials.
	serviceTime = 10 * time.Second
	// handshakeTime limits a handshake. It goes on after its request was given up, for the next
	// one, and is less than requestTime.
	handshakeTime = 5 * time.Second
)

// baseClient returns the client with which the SDK gets credentials. The SDK configures it by the
// environment and the profile, for example with a bundle of certificates. The clients of the store
// are copies of it.
func baseClient(d *dialer) *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTimeout(serviceTime).WithTransportOptions(func(tr *http.Transport) {
		tr.DialContext, tr.TLSHandshakeTimeout = d.DialContext, handshakeTime
	})
}

// A client sends requests to the store. It follows no redirect, which would send the signature to a
// host or a port that the config does not name.
type client struct {
	transport *http.Transport
	dialer    *dialer
	clock     *clock
}

// newClient returns a client with the configuration of base. connections is how many it keeps open;
// with none, each request has a fresh one.
func newClient(base aws.HTTPClient, d *dialer, c *clock, connections int) *client {
	configured, ok := base.(*awshttp.BuildableClient)
	if !ok {
		configured = baseClient(d)
	}
	tr := configured.GetTransport()
	// A defaults mode of the SDK may have set others.
	tr.DialContext, tr.TLSHandshakeTimeout = d.connect, handshakeTime
	tr.DisableKeepAlives = connections == 0
	tr.MaxResponseHeaderBytes = maxHeader
	tr.MaxIdleConns = max(tr.MaxIdleConns, connections)
	tr.MaxIdleConnsPerHost = max(tr.MaxIdleConnsPerHost, connections)
	return &client{tr, d, c}
}

// Do implements aws.HTTPClient. Its errors are those of http.Client.
func (c *client) Do(r *http.Request) (*http.Response, error) {
	p := progressOf(r.Context())
	body := newExactBody(r)
	trace := p.trace()
	trace.GotConn = func(i httptrace.GotConnInfo) {
		p.enter(Sending, i.Conn.RemoteAddr().String())
		body.travelOn(below(i.Conn))
	}
	out := r.WithContext(httptrace.WithClientTrace(r.Context(), trace))
	if body.left > 0 {
		out.Body = body
	}
	response, err := c.transport.RoundTrip(out)
	if err != nil {
		if phase, address := p.now(); phase > Connecting && !errors.Is(context.Cause(r.Context()), errLost) {
			c.dialer.distrust(address)
		}
		return nil, &url.Error{Op: r.Method, URL: r.URL.Redacted(), Err: err}
	}
	p.enter(Reading, "")
	c.clock.note(response.Header)
	return response, nil
}

// redirection returns the scheme and host to which the answer in err redirects, or "".
func redirection(err error) string {
	var answer *awshttp.ResponseError
	if !errors.As(err, &answer) || answer.Response == nil || answer.HTTPStatusCode()/100 != 3 {
		return ""
	}
	return locationOf(answer.Response.Header)
}

// locationOf returns the scheme and host of a Location, or "". Its path may have a token in it.
func locationOf(h http.Header) string {
	to, err := url.Parse(h.Get("Location"))
	if err != nil || to.Host == "" {
		return ""
	}
	if to.Scheme == "" {
		return to.Host
	}
	return to.Scheme + "://" + to.Host
}
