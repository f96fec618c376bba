package main

import (
	"bufio"
	"ems-sidecar/internal/e2e"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
)

// impolite starts a server that does with each connection what answer does, when the header of a
// request is there.
func impolite(t *testing.T, answer func(c net.Conn, request *bufio.Reader)) (endpoint string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	e2e.Must(t, err)
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				request := bufio.NewReader(c)
				if _, err := http.ReadRequest(request); err == nil {
					answer(c, request)
				}
			}()
		}
	}()
	t.Cleanup(func() { l.Close(); <-served })
	return "http://" + l.Addr().String()
}

// The SDK and the standard library have complaints of their own about servers like these.
func TestEveryLineOfAJSONLogIsJSON(t *testing.T) {
	t.Parallel()
	const refusal = "HTTP/1.1 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
	for name, answer := range map[string]func(c net.Conn, request *bufio.Reader){
		"refuses before the body is read": func(c net.Conn, _ *bufio.Reader) { io.WriteString(c, refusal) },
		"says more than it was asked": func(c net.Conn, request *bufio.Reader) {
			fmt.Fprintf(c, "HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno%s", refusal)
			io.Copy(io.Discard, request)
		},
		"answers in chunks that are none": func(c net.Conn, request *bufio.Reader) {
			io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nfive\r\n")
			io.Copy(io.Discard, request)
		},
		"breaks its answer off": func(c net.Conn, _ *bufio.Reader) {
			io.WriteString(c, "HTTP/1.1 503 Slow Down\r\nContent-Length: 1000\r\n\r\n<Error>")
		},
		"answers in another protocol": func(c net.Conn, _ *bufio.Reader) { io.WriteString(c, "SSH-2.0-OpenSSH_9.2\r\n") },
	} {
		for _, journal := range []string{"", "8:1234"} {
			t.Run(name+" journal="+journal, func(t *testing.T) {
				t.Parallel()
				root := t.TempDir()
				var answers atomic.Int64
				counted := func(c net.Conn, r *bufio.Reader) {
					answers.Add(1)
					answer(c, r)
				}
				path, err := e2e.BuildBinary()
				e2e.Must(t, err)
				admin := e2e.FreeAddress(t)
				ini := filepath.Join(t.TempDir(), "config.ini")
				e2e.Must(t, os.WriteFile(ini, []byte(e2e.ConfigFor(root, impolite(t, counted), admin, "Log level = debug", "Log format = json")), 0o600))
				cmd := exec.Command(path, "run", "--config", ini)
				cmd.Env = append(os.Environ(), "JOURNAL_STREAM="+journal)
				side := e2e.Launch(t, cmd, admin)
				side.WaitForReady()
				playlist := "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:1\n"
				for i := range 5 {
					name := fmt.Sprintf("segment_%d.ts", i)
					e2e.Put(t, root, "g/s/"+name, strings.Repeat("x", 300_000))
					playlist += "#EXTINF:2.0,\n" + name + "\n"
				}
				e2e.Put(t, root, "g/s/playlist.m3u8", playlist)
				side.WaitFor("uploads have failed", func() bool {
					return answers.Load() >= 3 && len(side.Lines(`"err":`)) >= 1
				})
				side.Kill() // there is nothing to wait for
				priority := regexp.MustCompile(`^<[3467]>`)
				for _, line := range side.Lines() {
					text := line
					if journal != "" {
						if !priority.MatchString(line) {
							t.Errorf("the journal gets no priority of %q", line)
						}
						text = priority.ReplaceAllString(line, "")
					}
					if !json.Valid([]byte(text)) || !strings.HasPrefix(text, "{") {
						t.Errorf("not JSON: %q", line)
					}
				}
			})
		}
	}
}
