package writers

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"

	"ems-sidecar/admin"
	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/testproc"
)

// nothing is the state of a daemon of which no one asks.
type nothing struct{ admin.State }

func (nothing) Metrics() http.Handler { return http.NotFoundHandler() }

// nginx-rtmp tells that a stream begins and ends, and does not refuse it for the answer.
func TestHintsOfNginx(t *testing.T) {
	t.Parallel()
	for _, needed := range []string{"nginx", "ffmpeg"} {
		if _, err := exec.LookPath(needed); err != nil {
			t.Skipf("%s is not installed", needed)
		}
	}
	if _, err := os.Stat(rtmpModule); err != nil {
		t.Skip("nginx has no module for RTMP")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	e2e.Must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	var hints atomic.Int32
	ended := make(chan error, 1)
	go func() {
		look := admin.Settings{Look: func() { hints.Add(1) }}
		ended <- admin.Serve(ctx, l, look, nothing{}, slog.New(slog.DiscardHandler))
	}()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	b := &bench{t: t, dir: t.TempDir()}
	address := e2e.FreeAddress(t)
	e2e.Must(t, nginx(b, address, fmt.Sprintf("rtmp { server { listen %s; application live { live on; "+
		"on_publish http://%s/hints; on_publish_done http://%s/hints; } } }", address, l.Addr(), l.Addr())))
	push := testproc.Bind(exec.Command("ffmpeg", "-nostdin", "-v", "error", "-t", "1", "-f", "lavfi", "-i",
		"testsrc=size=64x36:rate=10", "-f", "flv", "rtmp://"+address+"/live/cam"))
	if out, err := push.CombinedOutput(); err != nil {
		t.Errorf("nginx refuses the stream: %v\n%s", err, out)
	}
	e2e.Eventually(t, "two hints have come", func() bool { return hints.Load() == 2 })
}
