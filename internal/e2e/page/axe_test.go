package page

import (
	"os"
	"strings"
	"testing"

	"ems-sidecar/internal/browser"
)

// audit has axe look at what is shown, and reports what it finds.
func audit(t *testing.T, p *browser.Page, what string) {
	t.Helper()
	if p.Evaluate("typeof axe") != `"object"` {
		axe, err := os.ReadFile("../../../testdata/axe/axe.min.js")
		if err != nil {
			t.Fatal(err)
		}
		p.Evaluate(string(axe) + "; 0")
	}
	for _, scheme := range []string{"light", "dark"} {
		p.Prefer(scheme)
		var findings []string
		p.Read(`axe.run(document, { resultTypes: ["violations"] }).then((result) => result.violations.map((v) =>
			v.id + ": " + v.help + ": " + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 300) + " " + n.failureSummary).join("; ")))`, &findings)
		for _, f := range findings {
			t.Errorf("%s, %s: axe finds %s", what, scheme, f)
		}
	}
	p.Prefer("light")
}

// local reports the requests that went to another host than the page's.
func local(t *testing.T, p *browser.Page, host string) {
	t.Helper()
	requests := p.Requests()
	if len(requests) == 0 {
		t.Error("no request is known")
	}
	for _, url := range requests {
		if !strings.HasPrefix(url, "http://"+host+"/") {
			t.Errorf("the page asks another host: %s", url)
		}
	}
}
