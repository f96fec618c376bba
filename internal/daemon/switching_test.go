package daemon

import (
	"testing"

	"ems-sidecar/internal/trouble"
)

// What does not run any more cannot say that its trouble is over.
func TestReloadForgetsTheTroubleOfWhatItEnds(t *testing.T) {
	t.Parallel()
	a, b := t.TempDir(), t.TempDir()
	s := newSite(t, "[AmazonHLSUpload]\nwatch_dir[] = "+a+"\nwatch_dir[] = "+b+"\n")
	s.run()
	condition := func(kind string) trouble.Condition { return trouble.Condition{Kind: kind, Message: kind} }
	for _, r := range s.daemon.roots.list() {
		r.trouble.Begin(condition("watch"), trouble.At{Subject: r.dir})
		s.daemon.trouble.With("root", r.dir).Begin(condition("source"), trouble.At{})
	}
	s.daemon.ems.now.Load().trouble.With("plugin", "p").Begin(condition("plugin"), trouble.At{})
	s.mustReload("watch_dir[] = "+a+"\n", "", "[Hooks]", "[Hooks]\npath = /other/")
	s.waitFor("that one root and the plugins are over", func() bool {
		holding := s.daemon.trouble.Holding()
		return holding["watch"] == 1 && holding["source"] == 1 && holding["plugin"] == 0
	})
}
