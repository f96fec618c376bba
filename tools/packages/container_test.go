package packages_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const containerfile = "../../deploy/container/Containerfile"

// An instruction is one of a Containerfile, in the stage with this number.
type instruction struct {
	stage     int
	name, arg string
}

// instructions parses the Containerfile: comments go, and continued lines become one.
func instructions(t *testing.T) (all []instruction) {
	t.Helper()
	b, err := os.ReadFile(containerfile)
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`(?m)^#.*\n`).ReplaceAllString(string(b), "")
	stage := -1
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		name, arg, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "" {
			continue
		}
		if name == "FROM" {
			stage++
		}
		all = append(all, instruction{stage, name, strings.Join(strings.Fields(arg), " ")})
	}
	return all
}

// What a linter of Containerfiles would find, and what the image promises.
func TestContainerfileIsStrict(t *testing.T) {
	known := []string{"FROM", "WORKDIR", "COPY", "RUN", "ARG", "ENV", "LABEL", "VOLUME", "USER", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"}
	final := map[string][]string{}
	var last int
	for _, i := range instructions(t) {
		last = max(last, i.stage)
		if !slices.Contains(known, i.name) {
			t.Errorf("%s %s: not known, or better not used", i.name, i.arg)
		}
		if i.name == "FROM" && i.stage == 0 && !regexp.MustCompile(`^--platform=\$BUILDPLATFORM [a-z.]+/[a-z/]+:[0-9][^ ]* AS build$`).MatchString(i.arg) {
			t.Errorf("FROM %s: it needs the platform that builds, a registry, a version and a name", i.arg)
		}
		if i.name == "RUN" && regexp.MustCompile(`\b(sudo|cd|apt|curl)\b`).MatchString(i.arg) {
			t.Errorf("RUN %s", i.arg)
		}
		if i.stage == 1 {
			final[i.name] = append(final[i.name], i.arg)
		}
	}
	if last != 1 || !slices.Equal(final["FROM"], []string{"scratch"}) {
		t.Fatalf("%d stages, the last FROM %q", last+1, final["FROM"])
	}
	if final["RUN"] != nil {
		t.Errorf("the image has no shell for RUN %q", final["RUN"])
	}
	user, group, _ := strings.Cut(final["USER"][0], ":")
	if uid, err := strconv.Atoi(user); err != nil || uid == 0 || user != group {
		t.Errorf("USER %q: Kubernetes' runAsNonRoot needs a number", final["USER"])
	}
	for name, want := range map[string][]string{
		"ENTRYPOINT":  {"/usr/bin/ems-sidecar"},
		"CMD":         {"run"},
		"HEALTHCHECK": {"/usr/bin/ems-sidecar", "health"},
	} {
		if len(final[name]) != 1 {
			t.Errorf("%d times %s", len(final[name]), name)
			continue
		}
		form := final[name][0][strings.Index(final[name][0], "["):]
		var words []string
		if err := json.Unmarshal([]byte(form), &words); err != nil || !slices.Equal(words, want) {
			t.Errorf("%s %s: %v: it must be a list, since there is no shell, and say %q", name, form, err, want)
		}
	}
	for _, label := range []string{"title", "description", "licenses", "version", "revision", "created", "source"} {
		if !strings.Contains(final["LABEL"][0], "org.opencontainers.image."+label+"=") {
			t.Errorf("no OCI label %s", label)
		}
	}
	for _, target := range []string{"/usr/bin/ems-sidecar", "/etc/ssl/certs/ca-certificates.crt"} {
		if !slices.ContainsFunc(final["COPY"], func(arg string) bool { return strings.HasSuffix(arg, " "+target) }) {
			t.Errorf("no %s", target)
		}
	}
}
