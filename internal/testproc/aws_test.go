package testproc

import (
	"os"
	"testing"
)

func TestTestsDoNotHaveTheMachinesSettingsOfAWS(t *testing.T) {
	t.Setenv("AWS_CA_BUNDLE", "/certificates.pem")
	t.Setenv("NO_AWS", "stays")
	ForgetAWS()
	if v, set := os.LookupEnv("AWS_CA_BUNDLE"); set {
		t.Errorf("AWS_CA_BUNDLE is still %q", v)
	}
	if os.Getenv("NO_AWS") != "stays" {
		t.Error("another variable is gone")
	}
}
