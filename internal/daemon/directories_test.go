package daemon

import (
	"os"
	"path/filepath"
	"testing"

	"ems-sidecar/admin/api"
)

// What cannot be read from the start has no streams that could be listed as failing.
func TestDirectoryThatCannotBeReadFromTheStartIsTold(t *testing.T) {
	t.Parallel()
	missing, there := filepath.Join(t.TempDir(), "missing"), t.TempDir()
	s := newSite(t, "[AmazonHLSUpload]\nwatch_dir[] = "+missing+"\nwatch_dir[] = "+there+"\n")
	s.run()
	told := func() (all map[string]api.Directory) {
		all = make(map[string]api.Directory)
		for _, d := range (&state{s.daemon}).Directories() {
			all[d.Directory] = d
		}
		return all
	}
	s.waitFor("the missing directory", func() bool { return len(told()[missing].Unseen) == 1 })
	d := told()
	if d[missing].Ready {
		t.Error("the missing directory is ready")
	}
	if u := d[missing].Unseen[0]; u.Directory != missing || u.Since == nil ||
		u.Why != "no such file or directory" {
		t.Errorf("%+v", u)
	}
	if len(d) != 2 || !d[there].Ready || len(d[there].Unseen) > 0 {
		t.Errorf("of one that is there: %+v", d[there])
	}
	if err := os.Mkdir(missing, 0o755); err != nil {
		t.Fatal(err)
	}
	s.waitFor("the directory", func() bool { d := told()[missing]; return d.Ready && len(d.Unseen) == 0 })
}
