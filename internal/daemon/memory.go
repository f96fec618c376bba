package daemon

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"ems-sidecar/config"
	"ems-sidecar/internal/disk"
)

// A memory is a file with the directories that the media server named. A server that restarts may
// forget its orders. What it wrote for them, and what the spool keeps of that, is still to be
// uploaded.
type memory struct {
	path    string // empty: nothing is remembered
	entries []remembered
	changed bool // since it was last saved
}

type remembered struct {
	Section string    `json:"section"` // as the config has it
	Dir     string    `json:"dir"`
	Group   string    `json:"group,omitempty"` // the directory in it that EMS named; "": recordings
	Flat    bool      `json:"flat,omitempty"`  // recordings without the directories in it
	Named   time.Time `json:"named"`           // when the media server last did
}

// rememberedFor is how long a directory is watched at each start after the media server last named
// it.
const rememberedFor = 7 * 24 * time.Hour

// recall reads what an earlier run has noted in the directory state. An empty state has no notes.
func recall(state string, now time.Time) (m memory, err error) {
	if state == "" {
		return m, nil
	}
	m.path = filepath.Join(state, "roots.json")
	raw, err := disk.ReadFile(m.path, maxMemory)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	var all []remembered
	if err == nil {
		err = json.Unmarshal(raw, &all)
	}
	for _, e := range all {
		if now.Sub(e.Named) < rememberedFor {
			m.entries = append(m.entries, e)
		}
	}
	return m, err
}

// notedEvery is how exactly the file has when a directory was last named. Each look names it again,
// and must not write the file each time.
const notedEvery = time.Hour

// isOf reports whether the directory belongs to a section.
func (r remembered) isOf(section config.Upload) bool { return config.IDOf(r.Section) == section.ID() }

// note notes that the media server names the directory of a section now.
func (m *memory) note(section config.Upload, dir Directory, now time.Time) {
	for i := range m.entries {
		if e := &m.entries[i]; e.isOf(section) && e.Dir == dir.Root && e.Group == dir.Group {
			if now.Sub(e.Named) >= notedEvery {
				e.Named, m.changed = now, true
			}
			return
		}
	}
	e := remembered{section.Section, dir.Root, dir.Group, dir.Group == "" && !dir.dated, now}
	m.entries, m.changed = append(m.entries, e), true
}

// save replaces the file if something has changed.
func (m *memory) save() error {
	if m.path == "" || !m.changed {
		return nil
	}
	raw, err := json.Marshal(m.entries)
	if err != nil {
		return err
	}
	fresh := m.path + ".tmp"
	if err := os.WriteFile(fresh, raw, 0o600); err != nil {
		return err
	}
	if err := os.Rename(fresh, m.path); err != nil {
		return err
	}
	m.changed = false
	return nil
}
