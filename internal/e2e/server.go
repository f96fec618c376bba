package e2e

import (
	"ems-sidecar/emsapi/emstest"
	"net"
	"testing"
)

// Free skips the test if something of this machine has one of the addresses that it needs.
func Free(t *testing.T, addresses ...string) {
	t.Helper()
	for _, a := range addresses {
		l, err := net.Listen("tcp", a)
		if err != nil {
			t.Skipf("this needs %s: %v", a, err)
		}
		l.Close()
	}
}

// StartServer starts a media server, which ends with the test.
func StartServer(t *testing.T, s emstest.Settings) *emstest.Server {
	t.Helper()
	server := emstest.New(s)
	Must(t, server.Start())
	t.Cleanup(server.Close)
	return server
}
