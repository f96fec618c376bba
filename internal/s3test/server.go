// Package s3test runs a real S3 server as a process of its own, and a proxy in front of it that can
// delay and refuse, for tests. The server is versitygw, built from the module in tools.
package s3test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ems-sidecar/internal/testbin"
	"ems-sidecar/internal/testproc"
)

// The credentials of each Server.
const (
	AccessKey = "s3test"
	SecretKey = "s3test-secret"
)

// A Server is one S3 server. Its buckets are directories: an object is the file under its key.
type Server struct {
	Endpoint string // its URL
	Dir      string // of the bucket
	Bucket   string
}

// startTime is how long a server may take to start: the machine may be busy.
const startTime = time.Minute

// Start starts a server with one empty bucket, which ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	s, end, err := start(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := end(); err != nil {
			t.Errorf("end the S3 server: %v", err)
		}
	})
	return s
}

// start starts a server with one empty bucket below root. The function ends it.
func start(root string) (s *Server, end func() error, err error) {
	s = &Server{Bucket: "live", Dir: filepath.Join(root, "live")}
	if err := os.Mkdir(s.Dir, 0o755); err != nil {
		return nil, nil, err
	}
	path, err := binary()
	if err != nil {
		return nil, nil, fmt.Errorf("build the S3 server: %w", err)
	}
	address, err := FreeAddress()
	if err != nil {
		return nil, nil, err
	}
	s.Endpoint = "http://" + address
	cmd := testproc.Bind(exec.Command(path, "--port", address, "--health", "/healthz", "--keep-alive", "--quiet",
		"posix", root))
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+AccessKey, "ROOT_SECRET_KEY="+SecretKey)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	end = func() error { return errors.Join(cmd.Process.Kill(), ignoreExit(cmd.Wait())) }
	deadline := time.Now().Add(startTime)
	for {
		response, err := http.Get(s.Endpoint + "/healthz")
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return s, end, nil
			}
		}
		if time.Now().After(deadline) {
			return nil, nil, errors.Join(fmt.Errorf("the S3 server does not answer: %w", err), end(),
				errors.New(output.String()))
		}
		time.Sleep(20 * time.Millisecond) // a process that starts gives no other sign
	}
}

// ignoreExit drops the error that a killed process ends with.
func ignoreExit(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil
	}
	return err
}

// binary returns the path of the server's executable.
var binary = sync.OnceValues(func() (string, error) { return testbin.Tool("versitygw") })

// Object returns the content of the object under key, or fs.ErrNotExist.
func (s *Server) Object(key string) ([]byte, error) {
	return os.ReadFile(filepath.Join(s.Dir, filepath.FromSlash(key)))
}

// Keys returns the keys of all objects, in order.
func (s *Server) Keys() ([]string, error) {
	var keys []string
	err := filepath.WalkDir(s.Dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if err == nil && strings.HasPrefix(d.Name(), ".sgwtmp") {
				return fs.SkipDir // where the server keeps what is being uploaded
			}
			return err
		}
		rel, err := filepath.Rel(s.Dir, p)
		keys = append(keys, filepath.ToSlash(rel))
		return err
	})
	return keys, err
}
