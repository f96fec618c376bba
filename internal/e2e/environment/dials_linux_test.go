package environment

import (
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"ems-sidecar/emsapi/emstest"
	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/s3test"
)

// The daemon speaks to the bucket, the media server and the servers that the config names, and to
// nothing else: no name service for addresses, no telemetry, no check for a newer version.
func TestDaemonContactsOnlyWhatTheConfigNames(t *testing.T) {
	t.Parallel()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("this needs strace")
	}
	store, ems := s3test.Start(t), e2e.StartServer(t, emstest.Settings{})
	member := e2e.StartServer(t, emstest.Settings{Address: "127.0.0.2"})
	root, trace := t.TempDir(), filepath.Join(t.TempDir(), "trace")
	cmd, admin := e2e.SidecarCommand(t, root, store.Endpoint, nil, "S3 region = us-east-1", "EMS api_url = "+ems.URL(),
		"Hooks listen = "+e2e.FreeAddress(t), "StreamLoadBalancer destination_uri = "+member.URL())
	// -D: the daemon stays a child of the test, which stops it.
	cmd.Path, cmd.Args = strace, append([]string{"strace", "-D", "-f", "--seccomp-bpf", "-qq", "-e", "signal=none",
		"-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o", trace}, cmd.Args...)
	s := e2e.Launch(t, cmd, admin)
	s.WaitForReady()

	e2e.Put(t, root, "news/sport/1.ts", "a chunk")
	e2e.Put(t, root, "news/sport/playlist.m3u8", e2e.M3u8("1.ts"))
	s.WaitFor("the stream in the bucket", func() bool {
		_, err := store.Object("news/sport/playlist.m3u8")
		return err == nil
	})
	s.WaitFor("the servers to be asked", func() bool { return len(ems.Calls()) > 0 && len(member.Calls()) > 0 })
	if code := s.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}

	want := []string{hostPort(t, store.Endpoint), hostPort(t, ems.URL()), hostPort(t, member.URL())}
	var contacted []string
	s.WaitFor("a trace of all three", func() bool {
		contacted = contacts(t, trace)
		return !slices.ContainsFunc(want, func(w string) bool { return !slices.Contains(contacted, w) })
	})
	for _, c := range contacted {
		if !slices.Contains(want, c) {
			t.Errorf("the daemon contacted %s", c)
		}
	}
}

// destination is what strace shows of an address of the network.
var destination = regexp.MustCompile(`sin6?_port=htons\((\d+)\)(?:, sin6_flowinfo=[^,]*)?,` +
	` (?:sin_addr=inet_addr\("([^"]*)"\)|inet_pton\(AF_INET6, "([^"]*)")`)

func contacts(t *testing.T, trace string) (all []string) {
	t.Helper()
	text, err := os.ReadFile(trace)
	e2e.Must(t, err)
	for _, m := range destination.FindAllSubmatch(text, -1) {
		if a := net.JoinHostPort(string(m[2])+string(m[3]), string(m[1])); !slices.Contains(all, a) {
			all = append(all, a)
		}
	}
	return all
}

func hostPort(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	e2e.Must(t, err)
	return u.Host
}
