package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	floorWorkers = 16
	floorMask    = unix.IN_CLOSE_WRITE | unix.IN_MOVED_TO | unix.IN_CREATE | unix.IN_ONLYDIR
)

// A floor puts each file that was closed, at once, unsigned, and from the file, over connections
// that it keeps, and large ones in parts. It knows no order, tries nothing again, and compares
// nothing: it is the least that an upload costs on this machine.
type floor struct {
	root, url string
	client    *http.Client
	dirs      map[int32]string // by the watch
	inotify   int
	jobs      chan string
}

// runFloor is the process of the floor. It works until it fails or is killed, and its workers with it.
func runFloor(root, url, caFile string) error {
	transport := &http.Transport{MaxIdleConnsPerHost: floorWorkers}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return err
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err != nil {
		return fmt.Errorf("inotify: %w", err)
	}
	f := &floor{root: root, url: url, client: &http.Client{Transport: transport}, inotify: fd,
		dirs: make(map[int32]string), jobs: make(chan string, 10_000)}
	for range floorWorkers {
		go f.work()
	}
	if err := f.watch("."); err != nil {
		return err
	}
	return f.read()
}

// watch watches a directory and those below it.
func (f *floor) watch(dir string) error {
	return filepath.WalkDir(filepath.Join(f.root, dir), func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		w, err := unix.InotifyAddWatch(f.inotify, name, floorMask)
		if err != nil {
			return fmt.Errorf("watch %s: %w", name, err)
		}
		f.dirs[int32(w)], err = filepath.Rel(f.root, name)
		return err
	})
}

// read takes events until it fails.
func (f *floor) read() error {
	buffer := make([]byte, 64<<10)
	for {
		n, err := unix.Read(f.inotify, buffer)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read events: %w", err)
		}
		for b := buffer[:n]; len(b) >= unix.SizeofInotifyEvent; {
			watch, mask := int32(binary.NativeEndian.Uint32(b)), binary.NativeEndian.Uint32(b[4:])
			length := int(binary.NativeEndian.Uint32(b[12:]))
			name := strings.TrimRight(string(b[unix.SizeofInotifyEvent:][:length]), "\x00")
			b = b[unix.SizeofInotifyEvent+length:]
			path := filepath.Join(f.dirs[watch], name)
			switch {
			case mask&unix.IN_ISDIR != 0:
				if err := f.watch(path); err != nil {
					return err
				}
			case mask&(unix.IN_CLOSE_WRITE|unix.IN_MOVED_TO) != 0 && !strings.HasSuffix(name, ".tmp"):
				f.jobs <- path
			}
		}
	}
}

func (f *floor) work() {
	for path := range f.jobs {
		if err := f.put(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintln(os.Stderr, err)
		}
	}
}

func (f *floor) put(path string) error {
	file, err := os.Open(filepath.Join(f.root, path))
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.Size() > partSize {
		return f.putParts(path, file, info.Size())
	}
	_, _, err = f.request(http.MethodPut, f.url+"/"+path, file, info.Size())
	return err
}

// request makes a request, and returns the ETag and the content of the answer.
func (f *floor) request(method, url string, body io.Reader, size int64) (etag string, answer []byte, err error) {
	q, err := http.NewRequestWithContext(context.Background(), method, url, body)
	if err != nil {
		return "", nil, err
	}
	q.ContentLength = size
	r, err := f.client.Do(q)
	if err != nil {
		return "", nil, err
	}
	defer r.Body.Close()
	answer, err = io.ReadAll(r.Body)
	if err == nil && r.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s", method, url, r.Status)
	}
	return r.Header.Get("Etag"), answer, err
}
