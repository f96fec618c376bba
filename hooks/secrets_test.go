package hooks

import (
	"errors"
	"strings"
	"testing"

	"ems-sidecar/config"
)

// The server repeats what it was given: "Invalid URI: …".
func TestCredentialsInAnAnswerAreHidden(t *testing.T) {
	r := newRouter(nil, &config.Router{Destinations: []config.URI{"rtmp://user:hunter2@host/live"}}, newAddressBook(quiet("x").Reporter), quiet("x"), nil)
	got := r.targets[0].hidden(errors.New("pushStream: Invalid URI: rtmp://user:hunter2@host/live"))
	if strings.Contains(got, "hunter2") || !strings.Contains(got, "Invalid URI: rtmp://") || !strings.Contains(got, "host/live") {
		t.Error(got)
	}
}
