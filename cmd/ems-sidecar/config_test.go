package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ems-sidecar/admin/api"
)

// commandLine runs a command line with a config file of this content, and these variables.
func commandLine(t *testing.T, content string, env map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ini := filepath.Join(t.TempDir(), "config.ini")
	if err := os.WriteFile(ini, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code = execute(t.Context(), append(args, "--config", ini),
		surroundings{&out, &errs, func(name string) string { return env[name] }})
	return code, out.String(), errs.String()
}

const shownConfig = `[S3]
default_bucket = ems
aws_access_key = AKIA
aws_secret_key = 'hUsH'
[AmazonHLSUpload]
watch_dir = '/var/media;1'
[EMS]
api_url = http://me:hUsH@host:8888/apiproxy
[Hooks]
secret = hUsH
[Admin]
token = hUsH
`

func TestConfigShowSaysWhatHoldsAndWhy(t *testing.T) {
	env := map[string]string{"AWS_REGION": "eu-west-1"}
	code, stdout, stderr := commandLine(t, shownConfig, env, "config", "show")
	for _, want := range []string{"[AmazonHLSUpload]\n", "config.ini:2\n", "aws_secret_key = ***", "watch_dir = '/var/media;1'",
		"region = eu-west-1", "; from the environment: AWS_REGION\n", "prefix = ''", "; default: none\n",
		"api_url = http://***@host:8888/apiproxy", "settle = 30ms", "; derived: the file has [AmazonHLSUpload]"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in\n%s", want, stdout)
		}
	}
	if code != exitFine || stderr != "" || strings.Contains(stdout, "hUsH") {
		t.Errorf("exit code %d, %q\n%s", code, stderr, stdout)
	}

	_, changed, _ := commandLine(t, shownConfig, env, "config", "show", "--changed")
	if strings.Contains(changed, "settle") || !strings.Contains(changed, "default_bucket = ems") || !strings.Contains(changed, "AWS_REGION") {
		t.Errorf("--changed:\n%s", changed)
	}
	_, stdout, _ = commandLine(t, shownConfig, env, "config", "show", "--json")
	var answer api.Config
	if err := json.Unmarshal([]byte(stdout), &answer); err != nil || len(answer.Settings) < 50 || answer.File == "" || strings.Contains(stdout, "hUsH") {
		t.Errorf("--json: %v, %d settings\n%s", err, len(answer.Settings), stdout)
	}
	if code, _, stderr := commandLine(t, "[S3]\nx = y\n", nil, "config", "show"); code != exitUsage || !strings.Contains(stderr, "unknown key") {
		t.Errorf("of a wrong config: exit code %d, %q", code, stderr)
	}
}

func TestConfigLuaPrintsTheLinesThatEMSNeeds(t *testing.T) {
	const needed = "[StreamAutoRouter]\ntoken = ''\ndestination_uri = host\n[Hooks]\nlisten = :4000\npath = /e/\nallow[] = 127.0.0.1\n"
	code, stdout, stderr := commandLine(t, needed, nil, "config", "lua")
	if code != exitFine || !strings.Contains(stdout, `url = "http://127.0.0.1:4000/e/"`) || !strings.Contains(stdout, `"inStreamCreated"`) ||
		strings.Count(stdout, "{") != strings.Count(stdout, "}") || !strings.Contains(stderr, "restarted") {
		t.Errorf("exit code %d, %q\n%s", code, stderr, stdout)
	}
	code, stdout, stderr = commandLine(t, needed+"secret = hUsH\n", nil, "config", "lua")
	if code != exitFine || !strings.Contains(stdout, `/e/SECRET/"`) || !strings.Contains(stderr, "SECRET") || strings.Contains(stdout+stderr, "hUsH") {
		t.Errorf("with a secret: exit code %d, %q\n%s", code, stderr, stdout)
	}
	code, stdout, stderr = commandLine(t, "[AmazonHLSUpload]\ndefault_bucket = ems\nwatch_dir = /a\n", nil, "config", "lua")
	if code != exitFailed || stdout != "" || !strings.Contains(stderr, "can stay as it is") {
		t.Errorf("without need: exit code %d, %q\n%s", code, stderr, stdout)
	}
}

// Where the config is there and may not be read, another name is no help.
func TestConfigThatMayNotBeReadIsExplained(t *testing.T) {
	for err, want := range map[error]string{
		&fs.PathError{Op: "open", Path: "config.ini", Err: fs.ErrPermission}: "group ems-sidecar",
		&fs.PathError{Op: "open", Path: "config.ini", Err: fs.ErrNotExist}:   "--config",
	} {
		if got := configHint(err); !strings.Contains(got, want) {
			t.Errorf("%v: %q, want %q in it", err, got, want)
		}
	}
}
