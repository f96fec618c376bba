// Package emsapi speaks to the API of an EvoStream Media Server.
//
// It knows commands, parameters and answers, and nothing of what they are good for. That an order
// was accepted does not mean that it is carried out: ListStreams and ListConfig tell.
package emsapi

import (
	"context"
	"errors"
	"time"
)

// Settings say where a server is.
type Settings struct {
	URL      string // http://host:7777, or http://user:password@host:8888/apiproxy
	Username string // for basic auth; those of the URL come first
	Password string
	Timeout  time.Duration // of one request; 0: DefaultTimeout
}

// DefaultTimeout is how long a server may take for one answer.
const DefaultTimeout = 5 * time.Second

// A Client speaks to one server. Its methods may be called from any goroutine. Their errors name the command and the
// address, without credentials.
type Client struct {
	settings Settings
}

// New returns a client. It makes no request.
func New(s Settings) (*Client, error) { return &Client{s}, nil }

// A Param is one parameter of a command.
type Param struct{ Key, Value string }

// A Failure is the server's answer that it does not do a command.
type Failure struct{ Command, Description string }

func (f *Failure) Error() string { return f.Command + ": " + f.Description }

// ErrValue is that of a parameter that cannot be sent: it has a line break or a NUL in it, for which there is no escape, or
// is too long. Nothing was sent.
var ErrValue = errors.New("cannot be sent to EMS")

// NameTaken reports whether err says that a stream of that name exists already, or that a pull reserves it.
func NameTaken(err error) bool { return false }

// Call sends a command, and decodes the answer's data into data unless that is nil.
func (c *Client) Call(ctx context.Context, command string, params []Param, data any) error {
	return errors.ErrUnsupported
}

func (c *Client) Version(ctx context.Context) (Version, error)         { return Version{}, nil }
func (c *Client) ListStreams(ctx context.Context) ([]Stream, error)    { return nil, nil }
func (c *Client) ListStreamsIDs(ctx context.Context) ([]uint32, error) { return nil, nil }
func (c *Client) StreamInfo(ctx context.Context, name string) (Stream, error) {
	return Stream{}, nil
}
func (c *Client) StreamInfoByID(ctx context.Context, id uint32) (Stream, error) {
	return Stream{}, nil
}
func (c *Client) IsStreamRunning(ctx context.Context, name string) (bool, error) { return false, nil }
func (c *Client) ListConfig(ctx context.Context) (Config, error)                 { return Config{}, nil }
func (c *Client) RemoveConfig(ctx context.Context, id uint32) error              { return nil }

// PullStream uses URI, LocalStreamName, KeepAlive and Variables. As those below, it returns what the server has made of it.
func (c *Client) PullStream(ctx context.Context, p Pull) (Pull, error) { return p, nil }

// PushStream uses TargetURI, LocalStreamName, TargetStreamName, KeepAlive and Variables.
func (c *Client) PushStream(ctx context.Context, p Push) (Push, error) { return p, nil }

// Record uses LocalStreamName, PathToFile, Type, ChunkLength, Overwrite, KeepAlive and Variables.
func (c *Client) Record(ctx context.Context, r Recording) (Recording, error) { return r, nil }

// SetTimer uses Seconds, from 1 to 86399, and Variables.
func (c *Client) SetTimer(ctx context.Context, t Timer) (Timer, error) { return t, nil }
func (c *Client) ListTimers(ctx context.Context) ([]Timer, error)      { return nil, nil }
func (c *Client) RemoveTimer(ctx context.Context, id uint32) error     { return nil }

// ShutdownStream ends a stream; permanently removes the config that it comes from, too, which starts it again otherwise.
func (c *Client) ShutdownStream(ctx context.Context, id uint32, permanently bool) error { return nil }
