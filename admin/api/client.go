package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// A Client asks a daemon. Its methods may be called from several goroutines.
type Client struct {
	URL   string // of the admin listener, such as http://127.0.0.1:9090
	Token string // of the [Admin] section; empty: none
	HTTP  *http.Client
}

// maxAnswer is how much of an answer is read: some 10,000 streams.
const maxAnswer = 16 << 20

// Streams returns how the streams fare, the worst first.
func (c *Client) Streams(ctx context.Context) (s Streams, err error) {
	return s, c.get(ctx, "/api/v1/streams", &s)
}

// Stream returns one stream. The error is ErrNotFound if the daemon has none with the id.
func (c *Client) Stream(ctx context.Context, id string) (d Detail, err error) {
	return d, c.get(ctx, "/api/v1/streams/"+url.PathEscape(id), &d)
}

// EndStream ends the live playlists of a stream, and returns how many that are. The error is
// ErrNotFound if the daemon has no stream with the id.
func (c *Client) EndStream(ctx context.Context, id string) (n int, err error) {
	path := "/api/v1/streams/" + url.PathEscape(id) + "/end"
	body, err := c.do(ctx, http.MethodPost, path, nil)
	if err != nil {
		return 0, err
	}
	var e Ended
	return e.Playlists, decode(path, body, &e)
}

// Clip makes a clip of the stream with the id.
func (c *Client) Clip(ctx context.Context, id string, r ClipRequest) (made Clip, err error) {
	request, err := json.Marshal(r)
	if err != nil {
		return made, err
	}
	path := "/api/v1/streams/" + url.PathEscape(id) + "/clips"
	body, err := c.do(ctx, http.MethodPost, path, bytes.NewReader(request))
	if err != nil {
		return made, err
	}
	return made, decode(path, body, &made)
}

// Version returns what the daemon is.
func (c *Client) Version(ctx context.Context) (v Version, err error) {
	return v, c.get(ctx, "/api/v1/version", &v)
}

// ErrNotFound means that the daemon has no such thing.
var ErrNotFound = errors.New("not found")

// get asks for a resource.
func (c *Client) get(ctx context.Context, path string, answer any) error {
	body, err := c.Raw(ctx, path)
	if err != nil {
		return err
	}
	return decode(path, body, answer)
}

func decode(path string, body []byte, answer any) error {
	if err := json.Unmarshal(body, answer); err != nil {
		return fmt.Errorf("%s: the answer is not from the API of ems-sidecar: %w", path, err)
	}
	return nil
}

// Raw returns what the admin listener has at a path. The error says what the daemon said.
func (c *Client) Raw(ctx context.Context, path string) ([]byte, error) {
	return c.do(ctx, http.MethodGet, path, nil)
}

func (c *Client) do(ctx context.Context, method, path string, content io.Reader) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.URL+path, content)
	if err != nil {
		return nil, err
	}
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	r, err := c.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(io.LimitReader(r.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, err)
	case len(body) > maxAnswer:
		return nil, fmt.Errorf("%s: the answer is larger than %d MiB", path, maxAnswer>>20)
	case r.StatusCode != http.StatusOK && r.StatusCode != http.StatusCreated:
		var p Problem
		if json.Unmarshal(body, &p) != nil || p.Error == "" {
			p.Error = strings.TrimSpace(string(body[:min(len(body), 200)]))
		}
		if r.StatusCode == http.StatusNotFound {
			return nil, fmt.Errorf("%s: %w: %s", path, ErrNotFound, p.Error)
		}
		return nil, fmt.Errorf("%s: %s: %s", path, r.Status, p.Error)
	}
	return body, nil
}
