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

// An answer may repeat any address, also one that is not the config's.
func TestAnswersOfActionsHaveNoCredentials(t *testing.T) {
	got := withoutCredentials(`pullStream: cannot pull "rtsp://user:hunter2@cam:554/1?token=t0ps3cret" or http://ems:7777`)
	if want := `pullStream: cannot pull "rtsp://***@cam:554/1?***" or http://ems:7777`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := withoutCredentials(`Invalid URI: 'rtmp://user:hunt'er2@host/live'`); got != `Invalid URI: 'rtmp://***@host/live'` {
		t.Error(got)
	}
}
