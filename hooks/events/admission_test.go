package events

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Nothing has to be sent for the refusal, not even by who knows the secret.
func TestAnAddressThatIsNotAllowedIsRefusedBeforeAByteIsRead(t *testing.T) {
	var log bytes.Buffer
	s := Settings{Secret: "s3", Allow: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("127.0.0.2/32")}}
	e, address := serve(t, s, ignore, unseen, &log)
	for from, want := range map[string]bool{"127.0.0.1": false, "127.0.0.2": true, "127.0.0.3": false} {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		c, err := dialer.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(10 * time.Second))
		if want {
			fmt.Fprintf(c, "POST /evowebservices/s3/ HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(created), created)
		}
		answer, err := io.ReadAll(c)
		if want != strings.HasPrefix(string(answer), "HTTP/1.1 200 ") || err != nil {
			t.Errorf("%s: %q, %v", from, answer, err)
		}
		c.Close()
	}
	if f := e.Figures(); f.Refused != 2 || !strings.Contains(log.String(), "allow[]") || !strings.Contains(log.String(), "from=127.0.0.") {
		t.Errorf("%+v, log: %s", f, log.String())
	}
}

func TestLargeBodiesAreFew(t *testing.T) {
	e, address := serve(t, Settings{}, ignore, unseen, io.Discard)
	var open []net.Conn
	begin := func(length string) net.Conn {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(10 * time.Second))
		fmt.Fprintf(c, "POST /evowebservices/ HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n", length)
		return c
	}
	for i := range maxLarge {
		open = append(open, begin([]string{"Content-Length: 100000", "Transfer-Encoding: chunked"}[i%2]))
	}
	for len(e.large) < maxLarge {
		runtime.Gosched()
	}
	c := begin("Content-Length: 100000")
	if answer, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 503 ") {
		t.Errorf("one more: %q, %v", answer, err)
	}
	c.Close()
	if answer, err := send(address, "POST", "/evowebservices/", "", created); err != nil || !strings.HasPrefix(answer, "HTTP/1.1 200 ") {
		t.Errorf("a small one: %q, %v", answer, err)
	}
	for _, c := range open {
		c.Close()
	}
	for len(e.large) > 0 {
		runtime.Gosched()
	}
}
