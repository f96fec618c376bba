package s3store

import (
	"net/http"
	"sync/atomic"
	"time"
)

// A clock tells the time of the store, by which requests are signed. It is safe for concurrent use.
type clock struct{ ahead atomic.Int64 } // of this host's, nanoseconds

// now returns the store's time, as far as it is known.
func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())).UTC() }

// note learns from an answer's Date, as the SDK does, which a cache may have kept.
func (c *clock) note(h http.Header) {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil || h.Get("Age") != "" {
		return
	}
	c.ahead.Store(int64(time.Until(date)))
}
