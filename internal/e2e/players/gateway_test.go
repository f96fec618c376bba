package players

import (
	"context"
	"embed"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"ems-sidecar/internal/s3test"
)

//go:embed page
var page embed.FS

// A gateway serves the page, the players, and the bucket's objects at /bucket/<client>/<key>, so
// that it knows who asked for what.
type gateway struct {
	url    string
	bucket string
	client *s3.Client

	mu    sync.Mutex                 // guards what follows
	asked map[string]map[string]bool // keys that were answered, by client
}

// newGateway returns a gateway to the server's bucket, which ends with the test. The players' files
// are served under the names.
func newGateway(t *testing.T, server *s3test.Server, players map[string]string) *gateway {
	t.Helper()
	g := &gateway{bucket: server.Bucket, asked: make(map[string]map[string]bool)}
	g.client = s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.Endpoint), UsePathStyle: true,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: s3test.AccessKey, SecretAccessKey: s3test.SecretKey}, nil
		}),
	})
	mux := http.NewServeMux()
	mux.Handle("/page/", http.FileServerFS(page))
	mux.HandleFunc("GET /players/{name}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		file := players[r.PathValue("name")]
		if file == "" {
			return // an empty script: the test does without that player
		}
		content, err := os.ReadFile(file)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = w.Write(content) // the page was closed
	})
	mux.HandleFunc("GET /bucket/{client}/{key...}", g.object)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	g.url = s.URL
	return g
}

func (g *gateway) object(w http.ResponseWriter, r *http.Request) {
	key := r.PathValue("key")
	o, err := g.client.GetObject(r.Context(), &s3.GetObjectInput{Bucket: &g.bucket, Key: &key})
	var none *types.NoSuchKey
	switch {
	case errors.As(err, &none):
		http.NotFound(w, r)
		return
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer o.Body.Close()
	for name, value := range map[string]*string{"Content-Type": o.ContentType, "Cache-Control": o.CacheControl, "ETag": o.ETag} {
		if value != nil {
			w.Header().Set(name, *value)
		}
	}
	g.note(r.PathValue("client"), key)
	_, _ = io.Copy(w, o.Body) // the player went away
}

func (g *gateway) note(client, key string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.asked[client] == nil {
		g.asked[client] = make(map[string]bool)
	}
	g.asked[client][key] = true
}

// requested returns how many of the keys a client has got.
func (g *gateway) requested(client string, keys []string) (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, key := range keys {
		if g.asked[client][key] {
			n++
		}
	}
	return n
}

// at returns the URL of an object for a client.
func (g *gateway) at(client, key string) string {
	return strings.Join([]string{g.url, "bucket", client, key}, "/")
}
