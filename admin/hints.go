package admin

import (
	"io"
	"net/http"
)

// hintsPath is where writers other than EMS tell that a stream begins or ends.
const hintsPath = "/hints"

// hinted answers what writers post to hintsPath, and leaves the rest to next. nginx-rtmp refuses the
// stream after another answer than 200, and SRS also after another body than 0. So a request that
// makes no sense gets that answer, too. What it says is not read: the files tell which stream it is.
// These programs send no token. It would guard nothing: a hint makes the daemon look sooner, and look
// must limit how often.
func hinted(look func(), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if look == nil || r.URL.Path != hintsPath {
			next.ServeHTTP(w, r)
			return
		}
		look()
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "0") // who asks may have left
	})
}
