package environment

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/long"
	"ems-sidecar/internal/s3test"
)

// wayFaults are those of the store that the way to it makes worse.
func wayFaults() []s3test.Fault {
	faults := []s3test.Fault{s3test.Refuse(), s3test.Stall(), s3test.CutAnswer()}
	if long.Or(false, true) {
		faults = append(faults, s3test.Reset(), s3test.Answer(http.StatusServiceUnavailable, "SlowDown"))
	}
	return faults
}

// The store's certificate is that of a private CA: after each fault, all arrives over connections
// that know it.
func TestFaultsWithAPrivateCA(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	proxy, bundle := s3test.NewTLSProxy(t, server)
	s := e2e.SiteBehind(t, server, proxy, 8, e2e.LivePace)
	s.Command = func() (*exec.Cmd, string) {
		cmd, admin := e2e.SidecarCommand(t, s.Root, proxy.Endpoint, nil, s.Sections()...)
		cmd.Env = append(os.Environ(), "AWS_CA_BUNDLE="+bundle)
		return cmd, admin
	}
	t.Log(s.Survives("TLS with a private CA", wayFaults()))
	if x509 := s.Side.Lines("x509"); len(x509) > 0 {
		t.Errorf("a connection does not know the CA: %s", x509[0])
	}
}

// The store's name has two addresses, the first of which answers nothing. Names are those of a file
// of hosts of its own.
func TestFaultsWithADeadAddress(t *testing.T) {
	t.Parallel()
	if err := exec.Command("unshare", "--mount", "true").Run(); err != nil {
		t.Skip("cannot mount: ", err)
	}
	server := s3test.Start(t)
	proxy := s3test.NewProxy(t, server)
	host, port, err := net.SplitHostPort(strings.TrimPrefix(proxy.Endpoint, "http://"))
	e2e.Must(t, err)
	hosts := filepath.Join(t.TempDir(), "hosts")
	e2e.Must(t, os.WriteFile(hosts, []byte(deadAddress(t, port)+" store.test\n"+host+" store.test\n"), 0o644))
	s := e2e.SiteBehind(t, server, proxy, 8, e2e.LivePace)
	s.Command = func() (*exec.Cmd, string) {
		cmd, admin := e2e.SidecarCommand(t, s.Root, "http://store.test:"+port, nil, s.Sections()...)
		within := []string{"unshare", "--mount", "sh", "-c", `mount --bind "$0" /etc/hosts && exec "$@"`, hosts}
		return exec.Command(within[0], append(within[1:], cmd.Args...)...), admin
	}
	t.Log(s.Survives("two addresses, the first of which is dead", wayFaults()))
}

// deadAddress returns an address of this host on whose port connections are neither accepted nor
// refused.
func deadAddress(t *testing.T, port string) string {
	t.Helper()
	const address = "127.0.0.7"
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	e2e.Must(t, err)
	t.Cleanup(func() { syscall.Close(fd) })
	a := &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 7}}
	_, err = fmt.Sscan(port, &a.Port)
	e2e.Must(t, err)
	e2e.Must(t, syscall.Bind(fd, a))
	e2e.Must(t, syscall.Listen(fd, 0))
	for range 10 { // until the queue of connections that are not accepted is full
		c, err := net.DialTimeout("tcp", net.JoinHostPort(address, port), 300*time.Millisecond)
		if err != nil {
			return address
		}
		t.Cleanup(func() { c.Close() })
	}
	t.Skip("this kernel takes all connections")
	return ""
}

// The service that gives credentials, which expire within seconds, fails and hangs in between: no
// upload waits for it.
func TestFaultsOfTheServiceOfCredentials(t *testing.T) {
	t.Parallel()
	const life = 20 * time.Second
	var asked, failed atomic.Int64
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch asked.Add(1) % 6 {
		case 2:
			failed.Add(1)
			w.WriteHeader(http.StatusInternalServerError)
		case 4:
			failed.Add(1)
			w.WriteHeader(http.StatusTooManyRequests)
		case 0:
			failed.Add(1)
			select { // which is longer than an attempt has
			case <-time.After(3 * time.Second):
			case <-r.Context().Done():
			}
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			fmt.Fprintf(w, `{"AccessKeyId":%q,"SecretAccessKey":%q,"Expiration":%q}`, s3test.AccessKey, s3test.SecretKey,
				time.Now().Add(life).UTC().Format(time.RFC3339))
		}
	}))
	t.Cleanup(service.Close)
	s := e2e.NewSite(t, 8, e2e.LivePace)
	s.Command = func() (*exec.Cmd, string) {
		cmd, admin := e2e.SidecarCommand(t, s.Root, s.Proxy.Endpoint, []string{
			"aws_access_key = '" + s3test.AccessKey + "'", "", "aws_secret_key = '" + s3test.SecretKey + "'", "",
		}, s.Sections()...)
		cmd.Env = append(os.Environ(), "AWS_CONTAINER_CREDENTIALS_FULL_URI="+service.URL, "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=",
			"AWS_PROFILE=", "AWS_CONFIG_FILE=/nonexistent", "AWS_SHARED_CREDENTIALS_FILE=/nonexistent")
		return cmd, admin
	}
	t.Log(s.Survives("a service of credentials with hiccups", wayFaults()))
	if failed.Load() < 2 {
		t.Errorf("the service failed %d times in %d: too few to prove anything", failed.Load(), asked.Load())
	}
	if stopped := s.Side.Lines("uploads to it are stopped"); len(stopped) > 0 {
		t.Errorf("uploads were stopped: %s", stopped[0])
	}
	t.Logf("the service failed %d of %d times", failed.Load(), asked.Load())
}
