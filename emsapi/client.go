// Package emsapi speaks to the API of an EvoStream Media Server.
//
// It knows commands, parameters and answers, and nothing of what they are good for. That an order
// was accepted does not mean that it is carried out: ListStreams and ListConfig tell.
package emsapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Settings say where a server is.
type Settings struct {
	URL      string // http://host:7777, or http://user:password@host:8888/apiproxy
	Username string // for basic auth; those of the URL come first
	Password string
	Timeout  time.Duration // of one command; 0: DefaultTimeout
}

// A Client speaks to one server. Its methods may be called from any goroutine. Their errors name
// the command and the address, without credentials.
type Client struct {
	base     *url.URL // without credentials
	user     *url.Userinfo
	timeout  time.Duration
	requests *http.Client
}

// New returns a client. It makes no request.
func New(s Settings) (*Client, error) {
	u, err := url.Parse(strings.TrimRight(s.URL, "/"))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("the address of EMS's API is not such as http://host:7777")
	}
	c := &Client{base: u, user: u.User, timeout: s.Timeout}
	u.User = nil
	if c.user == nil && s.Username != "" {
		c.user = url.UserPassword(s.Username, s.Password)
	}
	if c.timeout == 0 {
		c.timeout = DefaultTimeout
	}
	// The server takes one request per connection. A redirect would carry the credentials
	// elsewhere.
	c.requests = &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, MaxResponseHeaderBytes: maxHeader},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// Address is where the server is, without credentials.
func (c *Client) Address() string { return c.base.String() }

// A Failure is the server's answer that it does not do a command.
type Failure struct{ Command, Description string }

// Error has no more of the description than a log line may have.
func (f *Failure) Error() string { return f.Command + ": " + brief(f.Description) }

// NameTaken reports whether err says that a stream of that name exists already, or that a pull
// reserves it.
func NameTaken(err error) bool {
	var f *Failure
	return errors.As(err, &f) && strings.HasPrefix(f.Description, "Stream name ") &&
		strings.HasSuffix(f.Description, " already taken")
}

// repeatable are the commands that may be sent again when there was no answer. removeConfig is
// none: if the server was restarted meanwhile, another order has the id.
func repeatable(command string) bool {
	return command == "version" || command == "isStreamRunning" ||
		strings.HasPrefix(command, "list") || strings.HasPrefix(command, "get")
}

// Call sends a command, and decodes the answer's data into data unless that is nil. One that is
// safe to repeat is sent a second time if there was no answer. All of it takes no longer than the
// client's timeout. One that is not is awaited for so long, even if ctx ends meanwhile: the server may
// do it all the same, and who does not know would ask for it twice.
func (c *Client) Call(ctx context.Context, command string, params []Param, data any) error {
	query, err := encode(params)
	if err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	if !repeatable(command) {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%s at %s: %w", command, c.base.Host, err)
		}
		ctx = context.WithoutCancel(ctx)
	}
	raw, err := c.askInTime(ctx, command, query)
	if err != nil {
		return err
	}
	return c.decode(command, raw, data)
}

// askInTime asks within the client's timeout, and once more if there was no answer and that does no harm.
func (c *Client) askInTime(ctx context.Context, command, query string) ([]byte, error) {
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	raw, err := c.ask(limited, command, query)
	if err != nil && repeatable(command) && limited.Err() == nil {
		raw, err = c.ask(limited, command, query)
	}
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil, fmt.Errorf("%s at %s: no whole answer within %v: %w",
			command, c.base.Host, c.timeout, context.DeadlineExceeded)
	}
	return raw, err
}

// decode decodes the answer's data into data unless that is nil.
func (c *Client) decode(command string, raw []byte, data any) error {
	var answer struct {
		Data        json.RawMessage
		Description Text
		Status      string
	}
	err := bounded(raw, limit(command))
	if err == nil {
		err = json.Unmarshal(Lenient(raw), &answer)
	}
	if err != nil {
		return fmt.Errorf("%s at %s: the answer is not one of EMS: %w", command, c.base.Host, citation{err})
	}
	if answer.Status != "SUCCESS" {
		return &Failure{command, string(answer.Description)}
	}
	if data == nil || len(answer.Data) == 0 {
		return nil
	}
	if err := json.Unmarshal(answer.Data, data); err != nil {
		return fmt.Errorf("%s at %s: what EMS answers is not understood: %w", command, c.base.Host, citation{err})
	}
	return nil
}

// ask makes one request and returns the answer's body.
func (c *Client) ask(ctx context.Context, command, query string) ([]byte, error) {
	u := *c.base
	u.Path += "/" + command
	u.RawQuery = query
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("%s at %s: %w", command, c.base.Host, err)
	}
	if c.user != nil {
		password, _ := c.user.Password()
		req.SetBasicAuth(c.user.Username(), password)
	}
	resp, err := c.requests.Do(req)
	if err != nil {
		if e := (*url.Error)(nil); errors.As(err, &e) {
			err = e.Err // without the URL, whose query has the parameters
		}
		return nil, fmt.Errorf("%s at %s: %w", command, c.base.Host, citation{err})
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusUnauthorized {
		return nil, fmt.Errorf("%s at %s: user name or password is not accepted", command, c.base.Host)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s at %s: the answer is %s: is this EMS's API?", command, c.base.Host, brief(resp.Status))
	}
	most := limit(command)
	raw, err := io.ReadAll(io.LimitReader(resp.Body, int64(most)+1))
	if err == nil && len(raw) > most {
		err = fmt.Errorf("the answer is longer than %d bytes", most)
	}
	if err != nil {
		return nil, fmt.Errorf("%s at %s: %w", command, c.base.Host, citation{err})
	}
	return raw, nil
}

// Host is the server's name or address, without the port.
func (c *Client) Host() string { return c.base.Hostname() }
