package emstest

import (
	"bufio"
	"context"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// maxHeaders is what the server takes of one request's line and headers, in bytes.
const maxHeaders = 16 << 10

// serve answers on a listener until it is closed. The server's HTTP is its own: what net/http would
// correct, refuse or add is not what a client meets.
func (s *Server) serve(r *run, l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		r.working.Go(func() {
			defer c.Close()
			defer context.AfterFunc(r.ctx, func() { c.Close() })()
			s.converse(r, c)
		})
	}
}

// converse answers the requests that came together, and then closes the connection, whatever the
// client would like. One that the server does not take gets no answer.
func (s *Server) converse(r *run, c net.Conn) {
	in := bufio.NewReader(c)
	for {
		target, ok := readRequest(in)
		if !ok {
			return
		}
		path, query, _ := strings.Cut(target, "?")
		for _, answer := range s.handle(r, path, query) {
			_, err := fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\nContent-Type: "+
				"text/plain\r\n"+
				"Server: %[2]s\r\nUser-Agent: %[2]s\r\nX-Powered-By: %[2]s\r\n\r\n%[3]s", len(answer), pusherAgent, answer)
			if err != nil {
				return
			}
		}
		if in.Buffered() == 0 {
			return
		}
	}
}

// readRequest returns the target of a GET or POST of HTTP/1.1, whose body does not count. A header
// has a blank after its colon, and a value.
func readRequest(in *bufio.Reader) (target string, ok bool) {
	length, size := 0, 0
	for first := true; ; first = false {
		line, ok := readLine(in, maxHeaders-size)
		size += len(line) + len("\r\n")
		switch {
		case !ok:
			return "", false
		case first:
			words := strings.Split(line, " ")
			if len(words) != 3 || words[0] != http.MethodGet && words[0] != http.MethodPost || words[2] != "HTTP/1.1" {
				return "", false
			}
			target = words[1]
		case line == "":
			_, err := in.Discard(length)
			return target, err == nil
		default:
			name, value, _ := strings.Cut(line, ": ")
			if value == "" {
				return "", false
			}
			if strings.EqualFold(name, "Content-Length") {
				var err error
				if length, err = strconv.Atoi(value); err != nil || length < 0 {
					return "", false
				}
			}
		}
	}
}

// readLine returns a line of at most so many bytes, without its CR LF. It is not ended by one of
// them.
func readLine(in *bufio.Reader, most int) (string, bool) {
	var line []byte
	for len(line) <= most {
		b, err := in.ReadByte()
		if err != nil {
			return "", false
		}
		if line = append(line, b); b == '\n' && len(line) > 1 && line[len(line)-2] == '\r' {
			return string(line[:len(line)-2]), true
		}
	}
	return "", false
}

// proxy is the web server in front of the API, for who is elsewhere.
type proxy struct {
	server *Server
	run    *run
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	s := &p.server.settings // of which nothing else is read: the addresses change at a start
	if subtle.ConstantTimeCompare([]byte(user), []byte(s.Username))&subtle.ConstantTimeCompare([]byte(password),
		[]byte(s.Password)) != 1 {
		w.Header().Set("WWW-Authenticate", `Basic realm="apiproxy"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	path, ok := strings.CutPrefix(r.URL.Path, "/apiproxy")
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	answers := p.server.handle(p.run, path, r.URL.RawQuery)
	if len(answers) == 0 {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	h := w.Header()
	h.Set("Connection", "close")
	h.Set("Content-Type", "text/plain")
	h.Set("Server", pusherAgent)
	_, _ = w.Write(answers[0]) // a client that has left is not told
}
