package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// offline is a config whose bucket, EMS and ports would all fail.
func offline(root string, more ...string) string {
	return fmt.Sprintf("[S3]\ndefault_bucket = live\nendpoint = http://127.0.0.1:1\naws_access_key = A\naws_secret_key = hUsH\n"+
		"[AmazonHLSUpload]\nwatch_dir = %s\n[EMS]\napi_url = http://127.0.0.1:1\n[StreamAutoRouter]\ntoken = ''\ndestination_uri = h\n"+
		"[Admin]\nlisten = 192.0.2.1:4001\ntoken = hUsH\n%s\n", root, strings.Join(more, "\n"))
}

func TestCheckOfflineAsksNoOne(t *testing.T) {
	root := t.TempDir()
	code, stdout, stderr := commandLine(t, offline(root), nil, "check", "--offline")
	if code != exitFine || stderr != "" || !strings.Contains(stdout, "ok    directory  "+root) ||
		!strings.Contains(stdout, "not tested: ") || !strings.Contains(stdout, "bucket, EMS and ports") {
		t.Errorf("exit code %d, %q\n%s", code, stderr, stdout)
	}
	code, stdout, _ = commandLine(t, offline(filepath.Join(root, "absent")), nil, "check", "--offline")
	if code != exitFailed || !strings.Contains(stdout, "FAIL  directory") {
		t.Errorf("without the directory: exit code %d\n%s", code, stdout)
	}
}

func TestCheckStrictFailsForAWarning(t *testing.T) {
	content := offline(t.TempDir(), "[Watcher]", "settle = 30")
	code, stdout, _ := commandLine(t, content, nil, "check", "--offline")
	if code != exitFine || !strings.Contains(stdout, "\nit works; warnings: ") {
		t.Errorf("exit code %d\n%s", code, stdout)
	}
	code, stdout, _ = commandLine(t, content, nil, "check", "--offline", "--strict")
	if code != exitFailed || !strings.Contains(stdout, "\nfailed, since --strict counts warnings: ") {
		t.Errorf("--strict: exit code %d\n%s", code, stdout)
	}
	if os.Geteuid() == 0 { // whose spool can be made
		code, stdout, _ = commandLine(t, offline(t.TempDir()), nil, "check", "--offline", "--strict")
		if code != exitFine {
			t.Errorf("--strict without a warning: exit code %d\n%s", code, stdout)
		}
	}
}

func TestCheckPrintsOneJSONObject(t *testing.T) {
	root := t.TempDir()
	absent := filepath.Join(root, "absent")
	answer := func(content string, wantCode int, args ...string) (a checkAnswer) {
		t.Helper()
		code, stdout, stderr := commandLine(t, content, nil, append([]string{"check", "--json"}, args...)...)
		if err := json.Unmarshal([]byte(stdout), &a); err != nil || code != wantCode || stderr != "" || strings.Contains(stdout, "hUsH") {
			t.Fatalf("exit code %d, %v, %q\n%s", code, err, stderr, stdout)
		}
		return a
	}
	find := func(a checkAnswer, what string, o outcome) result {
		t.Helper()
		for _, r := range a.Results {
			if r.What == what && r.Outcome == o {
				return r
			}
		}
		t.Fatalf("no %s %s in %+v", o, what, a.Results)
		return result{}
	}

	a := answer(offline(root), exitFine, "--offline")
	if find(a, "directory", fine).Where != root || !a.OK || !strings.HasPrefix(a.Verdict, "everything is fine") {
		t.Errorf("%+v", a)
	}
	a = answer(offline(absent), exitFailed, "--offline")
	const next = "is it the directory into which the streams are written (of EMS, the targetFolder)?"
	if r := find(a, "directory", failed); r.Where != absent || a.OK || r.Message == "" || r.Next != next {
		t.Errorf("%+v", r)
	}
	a = answer("[S3]\nregoin = x\n[Log]\nlevel = x\n", exitUsage)
	if r := find(a, "config", failed); len(a.Results) != 2 || a.OK || !strings.HasSuffix(r.Where, "config.ini:2") || !strings.Contains(r.Message, "did you mean region?") {
		t.Errorf("%+v", a)
	}
}
