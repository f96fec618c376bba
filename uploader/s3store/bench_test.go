package s3store

import (
	"crypto/md5"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"ems-sidecar/internal/s3test"
)

// benchStore returns a Store at a server that confirms each PUT.
func benchStore(tb testing.TB) *Store {
	tb.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sum := md5.New()
		io.Copy(sum, r.Body)
		w.Header().Set("Etag", `"`+hex.EncodeToString(sum.Sum(nil))+`"`)
		w.Header().Set("X-Amz-Request-Id", "1")
	}))
	tb.Cleanup(server.Close)
	s, err := New(tb.Context(), Settings{
		Bucket: "live", Address: Address{Endpoint: server.URL}, PartSize: 5 << 20,
		Credentials: Credentials{AccessKey: s3test.AccessKey, SecretKey: s3test.SecretKey},
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	return s
}
