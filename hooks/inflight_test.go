package hooks_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"ems-sidecar/emsapi/emstest"
	"ems-sidecar/hooks"
)

// A reload and a restart end the plugins, and others begin with a look. An order that is on its way
// then is answered first: the look would miss it, and it would be given twice.
func TestOrderOnItsWayIsNotGivenTwice(t *testing.T) {
	t.Parallel()
	network := emstest.NewNetwork()
	a := serve(t, emstest.Settings{Address: "10.0.0.1", Network: network})
	serve(t, emstest.Settings{Address: "10.0.0.2", Network: network})
	to, err := url.Parse(a.URL())
	if err != nil {
		t.Fatal(err)
	}
	came, release := make(chan struct{}, 10), make(chan struct{})
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.Transport = &http.Transport{DisableKeepAlives: true}
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/pushStream") {
			came <- struct{}{}
			<-release
			r = r.WithContext(t.Context()) // the server does it, whether or not the client has left
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(slow.Close)
	actions := make(chan hooks.Action, 10)
	settings := route("", "10.0.0.2")
	settings.Acted = func(x hooks.Action) { actions <- x }
	first := runBehind(t, a, slow.URL, settings)
	publish(t, a, "cam")
	<-came
	stopped := make(chan struct{})
	go func() { first.stop(); close(stopped) }()
	select {
	case <-stopped:
		t.Error("the plugins end, and an order of theirs is on its way")
	case <-time.After(100 * time.Millisecond):
	}
	close(release)
	<-stopped
	close(actions)
	if x := <-actions; !x.Done || x.Function != "pushStream" {
		t.Errorf("the order is noted as %+v", x)
	}
	run(t, a, route("", "10.0.0.2")).looked()
	if n := count(a, "pushStream"); n != 1 {
		t.Errorf("%d pushes are ordered, want 1", n)
	}
}
