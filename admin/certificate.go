package admin

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// A Certificate is the listener's, in two files. They may be replaced while it is in use:
// certificates expire. Create it with LoadCertificate.
type Certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	loading sync.Mutex
	pair    *tls.Certificate
	changed [2]time.Time // of the files, when they were last read
}

// LoadCertificate reads a certificate, which those of its issuers may follow, and its key, as PEM.
func LoadCertificate(certFile, keyFile string, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, log: log}
	c.changed = c.times()
	var err error
	c.pair, err = c.read()
	return c, err
}

func (c *Certificate) read() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return nil, fmt.Errorf("tls_cert and tls_key of [Admin]: %w", err)
	}
	return &pair, nil
}

// times is when the files changed; zero: a file is not there.
func (c *Certificate) times() (at [2]time.Time) {
	for i, file := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(file); err == nil {
			at[i] = info.ModTime()
		}
	}
	return at
}

// current returns the certificate of the files. If these cannot be used, it is the one before.
func (c *Certificate) current(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.loading.Lock()
	defer c.loading.Unlock()
	if at := c.times(); at != c.changed {
		c.changed = at
		if pair, err := c.read(); err == nil {
			c.pair = pair
		} else {
			c.log.Warn("the admin listener's certificate was replaced by one that cannot be used",
				"err", err, "next", "the former one is used until the files change again")
		}
	}
	return c.pair, nil
}

// Expires is when the certificate expires.
func (c *Certificate) Expires() time.Time { return c.leaf().NotAfter }

// covers reports whether the certificate is for a host of that name.
func (c *Certificate) covers(name string) bool {
	return c.leaf().VerifyHostname(name) == nil
}

func (c *Certificate) leaf() *x509.Certificate {
	c.loading.Lock()
	defer c.loading.Unlock()
	return c.pair.Leaf
}
