package packages_test

import (
	"os"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// Grafana's own types know each field of the dashboard, of its panels and of its queries, and miss none
// that they require.
func TestDashboardIsOneOfGrafana(t *testing.T) {
	b, err := os.ReadFile("../../deploy/grafana/ems-sidecar.json")
	if err != nil {
		t.Fatal(err)
	}
	plugins.RegisterDefaultPlugins()
	var d dashboard.Dashboard
	if err := d.UnmarshalJSONStrict(b); err != nil && err.Error() != "" { // what finds nothing may be no nil
		t.Error(err)
	}
	if err := d.Validate(); err != nil {
		t.Error(err)
	}
	if len(d.Panels) < 10 {
		t.Errorf("it has %d panels", len(d.Panels))
	}
}
