package hlscheck

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A Viewer polls a Multivariant Playlist and all that it names, or one Media Playlist, as players
// do. Its methods are for one goroutine.
type Viewer struct {
	URL   string
	HTTP  *http.Client
	Group *Group        // nil: variants are not compared
	Each  func(*Client) // sets the options of a client before its first version; may be nil

	clients map[string]*Client // by URL
}

// most is how much of a playlist is read.
const most = 16 << 20

// Look gets each playlist once, and returns what breaks a rule. An error is one of a request: a
// playlist that does not exist is none, for it may be yet to come.
func (v *Viewer) Look(ctx context.Context) ([]Finding, error) {
	content, err := v.get(ctx, v.URL)
	if err != nil || content == nil {
		return nil, err
	}
	children, err := Children(v.URL, content)
	if err != nil {
		return nil, err
	}
	if children == nil {
		return v.see(v.URL, content), nil
	}
	var all []Finding
	for _, child := range children {
		content, err := v.get(ctx, child)
		if err != nil {
			return all, err
		}
		if content != nil {
			all = append(all, v.see(child, content)...)
		}
	}
	return all, nil
}

// Client returns the client of a Media Playlist, or nil if that was never seen.
func (v *Viewer) Client(url string) *Client { return v.clients[url] }

func (v *Viewer) see(playlist string, content []byte) []Finding {
	c := v.clients[playlist]
	if c == nil {
		c = &Client{Name: playlist, Exists: v.exists(playlist)}
		if v.Each != nil {
			v.Each(c)
		}
		if v.clients == nil {
			v.clients = map[string]*Client{}
		}
		v.clients[playlist] = c
	}
	if c.Same(content) {
		return c.Verify(time.Now())
	}
	found := c.See(time.Now(), content)
	if v.Group != nil {
		found = append(found, v.Group.See(c)...)
	}
	return append(found, c.Verify(time.Now())...)
}

// exists asks with HEAD for what a playlist names. A request that fails says nothing.
func (v *Viewer) exists(playlist string) func(uri string) bool {
	return func(uri string) bool {
		at, err := resolve(playlist, uri)
		if err != nil {
			return false
		}
		response, err := v.HTTP.Head(at)
		if err != nil {
			return true
		}
		response.Body.Close()
		return response.StatusCode != http.StatusNotFound && response.StatusCode != http.StatusForbidden
	}
}

// get returns nil for what does not exist.
func (v *Viewer) get(ctx context.Context, from string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, err
	}
	response, err := v.HTTP.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
		return io.ReadAll(io.LimitReader(response.Body, most))
	case http.StatusNotFound, http.StatusForbidden: // S3 answers 403 to those who may not list
		return nil, nil
	}
	return nil, fmt.Errorf("get %s: %s", from, response.Status)
}

// Children returns the URLs of the Media Playlists that a Multivariant Playlist names, each once;
// none if the content is no such playlist.
func Children(from string, content []byte) (children []string, err error) {
	if !bytes.Contains(content, []byte("#EXT-X-STREAM-INF")) && !bytes.Contains(content, []byte("#EXT-X-MEDIA:")) {
		return nil, nil
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(content)) {
		line = strings.TrimRight(line, "\r\n")
		uri := line
		if list, is := strings.CutPrefix(line, "#EXT-X-MEDIA:"); is {
			a, err := attributes(list)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", from, err)
			}
			uri = a["URI"]
		}
		if uri == "" || strings.HasPrefix(uri, "#") {
			continue
		}
		child, err := resolve(from, uri)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", from, err)
		}
		if !seen[child] {
			seen[child] = true
			children = append(children, child)
		}
	}
	return children, nil
}

func resolve(from, uri string) (string, error) {
	base, err := url.Parse(from)
	if err != nil {
		return "", err
	}
	at, err := base.Parse(uri)
	if err != nil {
		return "", err
	}
	return at.String(), nil
}
