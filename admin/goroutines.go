package admin

import (
	"net/http"
	"runtime"
)

// goroutines writes what each goroutine does, as text: where a daemon that hangs stands.
func goroutines(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	stacks := make([]byte, maxStacks)
	_, _ = w.Write(stacks[:runtime.Stack(stacks, true)]) // the client may be gone
}
