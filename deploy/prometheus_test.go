package deploy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

const (
	alertsFile    = "prometheus/alerts.yaml"
	alertsTests   = "prometheus/alerts_test.yaml"
	dashboardFile = "grafana/ems-sidecar.json"
)

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// promtool runs it, or skips the test where Prometheus is not installed.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("promtool"); err != nil {
		t.Skip("no promtool: apt-get install prometheus")
	}
	if out, err := exec.Command("promtool", args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestPrometheusTakesTheAlertRules(t *testing.T) {
	t.Parallel()
	promtool(t, "check", "rules", "--lint=all", "--lint-fatal", alertsFile)
}

func TestAlertRulesFireForTheirFaultsOnly(t *testing.T) {
	t.Parallel()
	promtool(t, "test", "rules", alertsTests)
}

// rules returns the text of each alert rule, by its name.
func rules(t *testing.T) map[string]string {
	t.Helper()
	rules := make(map[string]string)
	for _, text := range strings.Split(read(t, alertsFile), "- alert: ")[1:] {
		name, rule, _ := strings.Cut(text, "\n")
		rules[name] = rule
	}
	if len(rules) < 10 {
		t.Fatalf("only %d rules are found", len(rules))
	}
	return rules
}

// Who is woken needs to know what it means and what to do.
func TestEachAlertHasASeverityAndLeadsIntoTheRunbook(t *testing.T) {
	t.Parallel()
	runbook := read(t, "../docs/runbook.md")
	tests := read(t, alertsTests)
	const installed = "/usr/share/doc/ems-sidecar/docs/"
	if !strings.Contains(read(t, "package/nfpm.yaml"), "- src: docs/*.md\n    dst: "+installed+"\n") {
		t.Error("the packages do not put the runbook into " + installed)
	}
	link := regexp.MustCompile(`\n +runbook_url: file://` + regexp.QuoteMeta(installed) + `runbook\.md#(\S+)\n`)
	for name, rule := range rules(t) {
		for _, want := range []string{"severity: ", "summary: ", "description: "} {
			if !strings.Contains(rule, "\n          "+want) {
				t.Errorf("%s has no %s", name, want)
			}
		}
		if found := link.FindStringSubmatch(rule); found == nil || !slices.Contains(anchors(runbook), found[1]) {
			t.Errorf("%s leads to no part of the runbook: %q", name, found)
		}
		fires := strings.Contains(tests, "alertname: "+name+"\n        exp_alerts:\n")
		rests := strings.Contains(tests, "alertname: "+name+"\n        exp_alerts: []\n")
		if !fires || !rests {
			t.Errorf("the tests of %s: it fires %v, it does not %v", name, fires, rests)
		}
	}
}

var linkTo = regexp.MustCompile(`\]\(#([^)]+)\)`)

func TestLinksWithinTheRunbookLeadSomewhere(t *testing.T) {
	t.Parallel()
	runbook := read(t, "../docs/runbook.md")
	for _, found := range linkTo.FindAllStringSubmatch(strings.ReplaceAll(runbook, "\n  ", " "), -1) {
		if !slices.Contains(anchors(runbook), found[1]) {
			t.Errorf("no heading has the anchor #%s", found[1])
		}
	}
}

// anchors returns the anchors of a document's headings, as GitHub and GitLab make them.
func anchors(markdown string) (anchors []string) {
	for line := range strings.Lines(markdown) {
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			heading = strings.ToLower(strings.TrimSpace(heading))
			heading = regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(heading, "")
			anchors = append(anchors, strings.ReplaceAll(heading, " ", "-"))
		}
	}
	return anchors
}

var metricName = regexp.MustCompile(`\b(ems_sidecar|process|go)_[a-z_]+`)

// known returns the names of all metrics: those of docs/metrics.md, which the registry writes, and
// those of Prometheus' library.
func known(t *testing.T) (names []string) {
	t.Helper()
	for line := range strings.Lines(read(t, "../docs/metrics.md")) {
		cells := strings.Split(line, " | ")
		name, found := strings.CutPrefix(cells[0], "| `ems_sidecar_")
		if !found {
			continue
		}
		name = "ems_sidecar_" + strings.TrimSuffix(name, "`")
		names = append(names, name)
		if cells[1] == "histogram" {
			names = append(names, name+"_bucket", name+"_sum", name+"_count")
		}
	}
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		names = append(names, f.GetName())
	}
	return names
}

func TestEachMetricThatIsUsedExists(t *testing.T) {
	t.Parallel()
	names := known(t)
	for _, file := range []string{alertsFile, alertsTests, dashboardFile, "../docs/runbook.md"} {
		used := metricName.FindAllString(read(t, file), -1)
		if len(used) == 0 {
			t.Errorf("%s uses no metric", file)
		}
		for _, name := range used {
			if !slices.Contains(names, name) {
				t.Errorf("%s uses %s, which does not exist", file, name)
			}
		}
	}
}

// expressions returns all values under "expr" in a dashboard.
func expressions(node any) (all []string) {
	switch node := node.(type) {
	case map[string]any:
		for key, value := range node {
			if text, ok := value.(string); ok && key == "expr" {
				all = append(all, text)
				continue
			}
			all = append(all, expressions(value)...)
		}
	case []any:
		for _, value := range node {
			all = append(all, expressions(value)...)
		}
	}
	return all
}

// As recording rules, Prometheus reads the dashboard's expressions.
func TestPrometheusUnderstandsTheDashboard(t *testing.T) {
	t.Parallel()
	var dashboard any
	if err := json.Unmarshal([]byte(read(t, dashboardFile)), &dashboard); err != nil {
		t.Fatal(err)
	}
	all := expressions(dashboard)
	if len(all) < 20 {
		t.Fatalf("only %d expressions are found", len(all))
	}
	var b bytes.Buffer
	b.WriteString("groups:\n  - name: dashboard\n    rules:\n")
	for i, e := range all {
		e = strings.NewReplacer("$__rate_interval", "1m", "$instance", ".*").Replace(e)
		fmt.Fprintf(&b, "      - record: dashboard:expression:%d\n        expr: %q\n", i, e)
	}
	file := filepath.Join(t.TempDir(), "dashboard.yaml")
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", file)
}
