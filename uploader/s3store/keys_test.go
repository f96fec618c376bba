package s3store

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"

	"ems-sidecar/internal/trouble"
	"ems-sidecar/uploader"
)

// A source gives credentials, as a service does that can be away.
type source struct {
	mu    sync.Mutex
	given int
	asked int
	life  time.Duration
	name  string
	fails error
	slow  time.Duration
}

func (s *source) Retrieve(ctx context.Context) (aws.Credentials, error) {
	s.mu.Lock()
	s.asked++
	slow, fails := s.slow, s.fails
	s.mu.Unlock()
	select {
	case <-time.After(slow):
	case <-ctx.Done():
		return aws.Credentials{}, ctx.Err()
	}
	if fails != nil {
		return aws.Credentials{}, fails
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.given++
	return aws.Credentials{
		AccessKeyID: fmt.Sprint("KEY", s.given), SecretAccessKey: "s", Source: s.name, CanExpire: true, Expires: time.Now().Add(s.life),
	}, nil
}

func (s *source) set(change func(s *source)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *source) questions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// hang is longer than anyone waits.
const hang = time.Hour

func newKeys(s *source) *keys {
	log := slog.New(slog.DiscardHandler)
	return &keys{source: aws.NewCredentialsCache(s), log: log, trouble: trouble.New(log, time.Now)}
}

// sign asks for credentials once a second, for so long, and reports how often there were no
// credentials, the longest that a request waited for them, and the last key.
func sign(t *testing.T, k *keys, length time.Duration) (failed int, longest time.Duration, key string) {
	t.Helper()
	for end := time.Now().Add(length); time.Now().Before(end); time.Sleep(time.Second) {
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), attemptTime)
		c, err := k.Retrieve(ctx)
		cancel()
		longest, key = max(longest, time.Since(began)), c.AccessKeyID
		if err != nil || c.CanExpire && c.Source == "" && !time.Now().Before(c.Expires) {
			failed++
		}
	}
	return failed, longest, key
}

// While the last credentials are good, no failure of the service that renews them costs a request.
func TestGoodCredentialsOutliveTheirService(t *testing.T) {
	for name, away := range map[string]func(s *source){
		"it fails":   func(s *source) { s.fails = errors.New("500") },
		"it hangs":   func(s *source) { s.slow = hang },
		"it is slow": func(s *source) { s.slow = 4 * time.Second },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &source{life: time.Hour}
				k := newKeys(s)
				if failed, _, key := sign(t, k, 54*time.Minute); failed > 0 || key != "KEY1" || s.questions() != 1 {
					t.Fatalf("%d failed, %s after %d questions", failed, key, s.questions())
				}
				s.set(away)
				failed, longest, _ := sign(t, k, 5*time.Minute) // in which they are due
				if failed > 0 || longest > renewPatience {
					t.Errorf("%d requests have no credentials, one waited %v", failed, longest)
				}
				if s.questions() > 2+int(5*time.Minute/renewPause) {
					t.Errorf("the service was asked %d times in 5 minutes", s.questions())
				}
				s.set(func(s *source) { s.fails, s.slow = nil, 0 })
				if name == "it hangs" {
					time.Sleep(hang) // the SDK has one question at a time, which its client ends
					return
				}
				if failed, _, key := sign(t, k, 2*renewPause); failed > 0 || key == "KEY1" {
					t.Errorf("when it is back: %d failed, %s", failed, key)
				}
			})
		})
	}
}

// An instance's role has credentials for longer than they say, until the store refuses them.
func TestRoleOfAnInstanceOutlivesItsService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{life: time.Hour, name: ec2rolecreds.ProviderName}
		k := newKeys(s)
		k.load = func(context.Context) (aws.CredentialsProvider, error) { return aws.NewCredentialsCache(s), nil }
		sign(t, k, time.Minute)
		s.set(func(s *source) { s.fails = errors.New("500") })
		if failed, _, key := sign(t, k, 3*time.Hour); failed > 0 || key != "KEY1" {
			t.Errorf("%d requests have no credentials, %s", failed, key)
		}
		if k.renew(400, "ExpiredToken") {
			t.Error("there are other credentials")
		}
		if failed, _, _ := sign(t, k, 10*time.Second); failed == 0 {
			t.Error("what the store refused is used again")
		}
		s.set(func(s *source) { s.fails = nil })
		if failed, _, key := sign(t, k, time.Minute); failed > 0 || key != "KEY2" {
			t.Errorf("when it is back: %d failed, %s", failed, key)
		}
	})
}

// A service over HTTP, as of a container, with one answer after the other.
func containerService(t *testing.T, answers ...func(w http.ResponseWriter)) (asked *atomic.Int64) {
	t.Helper()
	asked = new(atomic.Int64)
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answers[min(int(asked.Add(1))-1, len(answers)-1)](w)
	}))
	t.Cleanup(service.Close)
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", service.URL+"/")
	return asked
}

func answers(status int, body string) func(w http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func gives(key string) func(w http.ResponseWriter) {
	return answers(200, fmt.Sprintf(`{"AccessKeyId":%q,"SecretAccessKey":"s","Token":"t","Expiration":%q}`, key,
		time.Now().Add(time.Hour).UTC().Format(time.RFC3339)))
}

// One failure of a service of credentials is not even seen: its client tries again.
func TestFailureOfACredentialServiceIsTriedAgain(t *testing.T) {
	for _, failure := range []func(w http.ResponseWriter){
		answers(500, ""), answers(429, `{"code":"Throttling","message":"slow down"}`), answers(503, "<html>"), answers(500, "{"),
		func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
	} {
		isolate(t)
		asked := containerService(t, failure, gives("KEY1"))
		store := httptest.NewServer(http.HandlerFunc(etagged))
		s, err := New(t.Context(), Settings{Bucket: "live", Address: Address{Endpoint: store.URL}, PartSize: 5 << 20})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Put(t.Context(), object("k", strings.NewReader("content"), 7)); err != nil || asked.Load() != 2 {
			t.Errorf("after %d questions: %v", asked.Load(), err)
		}
		store.Close()
	}
}

// What the error of a provider means: only that there is none with credentials is permanent.
func TestErrorsOfTheChainSayWhatToDo(t *testing.T) {
	for name, c := range map[string]struct {
		configure func(t *testing.T, dir string)
		permanent bool
		says      string
	}{
		"the service fails":     {func(t *testing.T, _ string) { containerService(t, answers(500, "out of order")) }, false, "does not give them now"},
		"the service throttles": {func(t *testing.T, _ string) { containerService(t, answers(429, "")) }, false, "does not give them now"},
		"the service is a page": {func(t *testing.T, _ string) { containerService(t, answers(200, "<html>")) }, false, "the source of the credentials gives none"},
		"the service refuses":   {func(t *testing.T, _ string) { containerService(t, answers(403, "{}")) }, false, "the source of the credentials gives none"},
		"the instance's metadata fail": {func(t *testing.T, _ string) {
			service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }))
			t.Cleanup(service.Close)
			t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", service.URL)
		}, false, "does not answer"}, // the SDK tries again until its time is over
		"the instance has no role": {func(t *testing.T, _ string) {
			service := httptest.NewServer(http.NotFoundHandler())
			t.Cleanup(service.Close)
			t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", service.URL)
		}, true, "set aws_access_key"},
		"nothing": {func(t *testing.T, _ string) { t.Setenv("AWS_EC2_METADATA_DISABLED", "true") }, true, "set aws_access_key"},
		"no metadata": {func(t *testing.T, _ string) {
			t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://"+unusedAddress(t))
		}, true, "set aws_access_key"},
		"a process fails": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "config"), "[default]\ncredential_process = /bin/false\n")
		}, false, "credential_process"},
		"a process writes something else": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "config"), "[default]\ncredential_process = /bin/echo TheSecret\n")
		}, false, "credential_process"},
		"no SSO login": {func(t *testing.T, dir string) {
			t.Setenv("HOME", dir)
			write(t, filepath.Join(dir, "config"), "[default]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r\n"+
				"[sso-session s]\nsso_region = us-east-1\nsso_start_url = https://example.com\n")
		}, false, "aws sso login"},
		"no SSO login, in the older form": {func(t *testing.T, dir string) {
			t.Setenv("HOME", dir)
			write(t, filepath.Join(dir, "config"), "[default]\nsso_account_id = 1\nsso_role_name = r\nsso_region = us-east-1\nsso_start_url = https://example.com\n")
		}, false, "aws sso login"},
		"an empty environment as the source": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "config"), "[default]\nrole_arn = arn:aws:iam::1:role/r\ncredential_source = Environment\nregion = us-east-1\n")
			t.Setenv("AWS_ENDPOINT_URL_STS", "http://"+unusedAddress(t))
		}, true, "set aws_access_key"},
		"STS fails":   {func(t *testing.T, dir string) { assumeRole(t, dir, 500, "InternalFailure") }, false, "does not give them now"},
		"STS refuses": {func(t *testing.T, dir string) { assumeRole(t, dir, 403, "AccessDenied") }, false, "the source of the credentials gives none"},
	} {
		t.Run(name, func(t *testing.T) {
			c.configure(t, isolate(t))
			s, err := New(t.Context(), Settings{Bucket: "live", Address: Address{Endpoint: "http://" + unusedAddress(t)},
				PartSize: 5 << 20})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			var head sync.WaitGroup // the SDK may take 5 s to give up, for each of them
			head.Go(func() {
				if i, found, err := s.Stat(ctx, "k"); err == nil {
					t.Errorf("without credentials, HEAD tells %+v, %v", i, found)
				}
			})
			defer head.Wait()
			err = s.Put(ctx, object("k", strings.NewReader("content"), 7))
			if err == nil || errors.Is(err, uploader.ErrPermanent) != c.permanent || errors.Is(err, uploader.ErrBucket) != c.permanent ||
				!strings.Contains(err.Error(), c.says) {
				t.Errorf("permanent %v: %v", errors.Is(err, uploader.ErrPermanent), err)
			}
			if strings.Contains(fmt.Sprint(err), "TheSecret") {
				t.Errorf("%v has what the process wrote", err)
			}
		})
	}
}

// no one returns an address on which no one listens.
func unusedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// assumeRole configures a role of an STS that gives only the answer.
func assumeRole(t *testing.T, dir string, status int, code string) {
	t.Helper()
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		fmt.Fprintf(w, "<ErrorResponse><Error><Code>%s</Code><Message>m</Message></Error></ErrorResponse>", code)
	}))
	t.Cleanup(service.Close)
	t.Setenv("AWS_ENDPOINT_URL_STS", service.URL)
	write(t, filepath.Join(dir, "config"), "[default]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = user\nregion = us-east-1\n"+
		"[profile user]\naws_access_key_id = AKIA\naws_secret_access_key = s\n")
}

// A store that knows one secret, which its operator changes.
type changingStore struct {
	*httptest.Server
	key atomic.Value // the key that it takes; of each, the secret is its own name
}

func newChangingStore(t *testing.T, key string) *changingStore {
	t.Helper()
	c := &changingStore{}
	c.key.Store(key)
	// The header does not tell the secret, so that the key stands for both.
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Authorization"), "Credential="+c.key.Load().(string)+"/") {
			refuse(w, r, http.StatusForbidden, "InvalidAccessKeyId")
			return
		}
		etagged(w, r)
	}))
	t.Cleanup(c.Close)
	return c
}

// Credentials that were changed on the disk or at their service are used for the very request that
// the store refused.
func TestChangedCredentialsAreReadAgain(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, dir string) (now func()){
		"in the credentials file": func(t *testing.T, dir string) func() {
			pair := func(key string) string {
				return "[default]\naws_access_key_id = " + key + "\naws_secret_access_key = s\n"
			}
			write(t, filepath.Join(dir, "credentials"), pair("KEY1"))
			return func() { write(t, filepath.Join(dir, "credentials"), pair("KEY2")) }
		},
		"at a container's service": func(t *testing.T, _ string) func() {
			containerService(t, gives("KEY1"), gives("KEY2"))
			return func() {}
		},
		"by a process": func(t *testing.T, dir string) func() {
			file := filepath.Join(dir, "pair")
			pair := func(key string) string { return `{"Version":1,"AccessKeyId":"` + key + `","SecretAccessKey":"s"}` }
			write(t, file, pair("KEY1"))
			write(t, filepath.Join(dir, "config"), "[default]\ncredential_process = /bin/cat "+file+"\n")
			return func() { write(t, file, pair("KEY2")) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			now := change(t, isolate(t))
			store := newChangingStore(t, "KEY1")
			s, err := New(t.Context(), Settings{Bucket: "live", Address: Address{Endpoint: store.URL}, PartSize: 5 << 20})
			if err != nil {
				t.Fatal(err)
			}
			put := func() error { return s.Put(t.Context(), object("k", strings.NewReader("content"), 7)) }
			if err := put(); err != nil {
				t.Fatal(err)
			}
			store.key.Store("KEY2")
			now()
			var puts sync.WaitGroup
			for range 5 { // which are refused at the same time
				puts.Go(func() {
					if err := put(); err != nil {
						t.Error(err)
					}
				})
			}
			puts.Wait()
		})
	}
}

// A rotated secret is read from its file after a refusal, also after that of a HEAD, which has no
// code.
func TestRotatedSecretFileIsReadAgain(t *testing.T) {
	isolate(t)
	file := filepath.Join(t.TempDir(), "secret")
	reads := 0
	store := httptest.NewServer(nil)
	defer store.Close()
	var right atomic.Value // a signature is right if it is not one that was made with the former secret
	right.Store("")
	store.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if b, err := os.ReadFile(file); err != nil || string(b) != right.Load() || reads == 0 && right.Load() != "one" {
			refuse(w, r, http.StatusForbidden, "SignatureDoesNotMatch")
			return
		}
		etagged(w, r)
	})
	write(t, file, "one")
	right.Store("one")
	s := open(t, store.URL, func(t *Settings) {
		t.Credentials.SecretKey = "one"
		t.Credentials.ReadSecretKey = func() (string, error) {
			reads++
			b, err := os.ReadFile(file)
			return string(b), err
		}
	})
	if err := s.Put(t.Context(), object("k", strings.NewReader("content"), 7)); err != nil || reads > 0 {
		t.Fatalf("%d reads, %v", reads, err)
	}
	write(t, file, "two")
	right.Store("two")
	if i, found, err := s.Stat(t.Context(), "k"); !found || i.Untold || err != nil || reads != 1 {
		t.Errorf("HEAD after the rotation: %+v, %v, %v after %d reads", i, found, err, reads)
	}
	right.Store("three") // which is not in the file
	for range 10 {
		if err := s.Put(t.Context(), object("k", strings.NewReader("content"), 7)); !errors.Is(err, uploader.ErrBucket) {
			t.Errorf("a secret that is wrong: %v", err)
		}
	}
	if reads > 2 {
		t.Errorf("the file was read %d times for ten refusals", reads)
	}
}

// A private CA serves the clients of the chain, too.
func TestPrivateCAServesTheChain(t *testing.T) {
	dir := isolate(t)
	service := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { gives("KEY1")(w) }))
	defer service.Close()
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", service.URL+"/")
	write(t, filepath.Join(dir, "ca.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: service.Certificate().Raw})))
	t.Setenv("AWS_CA_BUNDLE", filepath.Join(dir, "ca.pem"))
	store := httptest.NewServer(http.HandlerFunc(etagged))
	defer store.Close()
	s, err := New(t.Context(), Settings{Bucket: "live", Address: Address{Endpoint: store.URL}, PartSize: 5 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), object("k", strings.NewReader("content"), 7)); err != nil {
		t.Error(err)
	}
}

// An answer with credentials that does not end takes no memory.
func TestAnswerWithCredentialsIsReadUpToALimit(t *testing.T) {
	isolate(t)
	var sent atomic.Int64
	containerService(t, func(w http.ResponseWriter) {
		w.WriteHeader(http.StatusBadRequest)
		for page := bytes.Repeat([]byte("x"), 64<<10); sent.Load() < 64<<20; sent.Add(int64(len(page))) {
			if _, err := w.Write(page); err != nil {
				return
			}
		}
	})
	s, err := New(t.Context(), Settings{Bucket: "live", Address: Address{Endpoint: "http://" + unusedAddress(t)}, PartSize: 5 << 20})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Put(t.Context(), object("k", strings.NewReader("content"), 7))
	if err == nil || len(err.Error()) > 2*maxKeysMessage {
		t.Errorf("an error of %d bytes", len(fmt.Sprint(err)))
	}
}
