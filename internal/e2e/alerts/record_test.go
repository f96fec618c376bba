package alerts

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"ems-sidecar/internal/e2e"
)

const (
	rulesFile = "../../../deploy/prometheus/alerts.yaml"
	// scrapeEvery is how often a daemon is scraped.
	scrapeEvery = 250 * time.Millisecond
	// ours is what Prometheus adds to each series.
	ours = `instance="ems1:4001",job="ems-sidecar"`
	up   = "up{" + ours + "}"
)

// A record is what Prometheus would have stored of a daemon. Its time goes faster than that of the
// test, so that no test waits for minutes: the rules do not tell the difference.
type record struct {
	side  *e2e.Sidecar
	speed float64 // how many seconds of the record are one of the test
	used  map[string]bool

	mu      sync.Mutex // guards what follows
	skew    time.Duration
	scrapes int
	latest  string
	series  map[string][]string // their values, one for each scrape; "_" for none
}

// sample is a line of Prometheus' text format.
var sample = regexp.MustCompile(`^([a-z_]+)(?:\{(.*)\})? (\S+)$`)

// usedMetrics returns the names of the metrics that the rules use.
func usedMetrics(t *testing.T) map[string]bool {
	t.Helper()
	rules, err := os.ReadFile(rulesFile)
	e2e.Must(t, err)
	used := make(map[string]bool)
	for _, name := range regexp.MustCompile(`ems_sidecar_[a-z_]+`).FindAllString(string(rules), -1) {
		used[name] = true
	}
	return used
}

// step is how much time of the record passes between two scrapes.
func (r *record) step() time.Duration { return time.Duration(r.speed * float64(scrapeEvery)) }

// follow scrapes the daemon until stop is closed.
func (r *record) follow(stop <-chan struct{}) {
	tick := time.NewTicker(scrapeEvery)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			code, text := r.side.Ask("/metrics")
			if code != 200 {
				text = ""
			}
			r.add(text, time.Now())
		}
	}
}

// add adds a scrape. An empty one has failed. As Prometheus does, it marks series as stale that are
// not there any more.
func (r *record) add(text string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.latest = text
	values := map[string]string{up: "0"}
	if text != "" {
		values[up] = "1"
	}
	for line := range strings.Lines(text) {
		found := sample.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if found == nil || !r.used[found[1]] {
			continue
		}
		labels := ours
		if found[2] != "" {
			labels += "," + found[2]
		}
		value := found[3]
		if found[1] == "ems_sidecar_clock_timestamp_seconds" { // the record's clock is not the test's
			at, _ := strconv.ParseFloat(value, 64)
			off := at - float64(now.UnixNano())/1e9 + r.skew.Seconds()
			value = fmt.Sprint(off + (time.Duration(r.scrapes) * r.step()).Seconds())
		}
		values[found[1]+"{"+labels+"}"] = value
	}
	for name, value := range values {
		if r.series[name] == nil {
			r.series[name] = slices.Repeat([]string{"_"}, r.scrapes)
		}
		r.series[name] = append(r.series[name], value)
	}
	r.scrapes++
	for name, all := range r.series {
		if len(all) < r.scrapes {
			none := "_"
			if last := all[len(all)-1]; last != "_" && last != "stale" {
				none = "stale"
			}
			r.series[name] = append(all, none)
		}
	}
}

// shows reports whether the latest scrape has a line that matches; the empty pattern is matched by a
// scrape that failed.
func (r *record) shows(pattern string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if pattern == "" {
		return r.scrapes > 0 && r.latest == ""
	}
	return regexp.MustCompile(`(?m)^` + pattern).MatchString(r.latest)
}

// restart forgets what was recorded.
func (r *record) restart() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.scrapes, r.series = 0, make(map[string][]string)
}

// setSkew has the daemon's clock be off from now on.
func (r *record) setSkew(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.skew = d
}

// now returns how many scrapes there were.
func (r *record) now() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.scrapes
}

const (
	// haveFired are the alerts that fired at any time until now.
	haveFired = `count_over_time(ALERTS{alertstate="firing"}[1d])`
	// fire are those that fire now.
	fire = `ALERTS{alertstate="firing"}`
)

// An expectation says which alerts there are at a scrape, as label sets of PromQL.
type expectation struct {
	scrape int
	which  string // haveFired or fire
	alerts []string
}

// judge has Prometheus' own engine evaluate the rules over the record, in a process of its own. The
// error says which alerts are not as expected.
func (r *record) judge(t *testing.T, all []expectation) error {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	rules, err := filepath.Abs(rulesFile)
	e2e.Must(t, err)
	var b bytes.Buffer
	fmt.Fprintf(&b, "rule_files: ['%s']\nevaluation_interval: %dms\ntests:\n  - interval: %[2]dms\n    input_series:\n",
		rules, r.step().Milliseconds())
	for name, values := range r.series {
		fmt.Fprintf(&b, "      - series: '%s'\n        values: '%s'\n", strings.ReplaceAll(name, "'", "''"), strings.Join(values, " "))
	}
	b.WriteString("    promql_expr_test:\n")
	for _, e := range all {
		fmt.Fprintf(&b, "      - expr: count by (alertname, stream) (%s) > bool 0\n"+
			"        eval_time: %dms\n        exp_samples:\n", e.which, (time.Duration(e.scrape) * r.step()).Milliseconds())
		for _, labels := range e.alerts {
			fmt.Fprintf(&b, "          - {labels: '%s', value: 1}\n", labels)
		}
	}
	file := filepath.Join(t.TempDir(), "record.yaml")
	e2e.Must(t, os.WriteFile(file, b.Bytes(), 0o644))
	if out, err := exec.Command("promtool", "test", "rules", file).CombinedOutput(); err != nil {
		return fmt.Errorf("the alerts that have fired are not those of the fault: %w\n%s", err, out)
	}
	return nil
}
