package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// A runner runs series, one after the other.
type runner struct {
	dir         string // of what is built
	certificate *certificate
	interrupted chan os.Signal
	all         []result
	failed      bool
}

// run measures the series, and prints a table for each. An interrupt ends it after the round, with what
// was measured so far.
func run(all []series) error {
	lookForPeers()
	dir, err := os.MkdirTemp("", "bench-tools")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	certificate, err := newCertificate()
	if err != nil {
		return err
	}
	r := &runner{dir: dir, certificate: certificate, interrupted: make(chan os.Signal, 1)}
	signal.Notify(r.interrupted, os.Interrupt, syscall.SIGTERM)
	for _, s := range all {
		goesOn, err := r.series(s)
		if err != nil {
			return err
		}
		if !goesOn {
			break
		}
	}
	if name := all[0].cases[0].options.json; name != "" {
		b, err := json.MarshalIndent(r.all, "", "\t")
		if err == nil {
			err = os.WriteFile(name, b, 0o644)
		}
		if err != nil {
			return err
		}
	}
	if r.failed {
		return errors.New("some rounds have no figures")
	}
	return nil
}

// series measures one series, and prints its table. It reports whether the next one has its turn.
func (r *runner) series(s series) (goesOn bool, err error) {
	for i := range s.cases {
		if s.cases[i].tools, err = s.cases[i].options.choose(r.dir); err != nil {
			return false, err
		}
	}
	var results []result
	goesOn = true
	for n := 0; n < s.rounds && goesOn; n++ {
		var of []result
		of, goesOn = r.round(s, n)
		results = append(results, of...)
	}
	options := s.cases[0].options
	if s.title != "" {
		fmt.Printf("\n%s\n\n", s.title)
	}
	write(os.Stdout, results, columnsOf(s.cases), options.markdown || options.presets != "")
	r.all = append(r.all, results...)
	return goesOn, nil
}

// round gives every tool its turn in every case, and reports whether there may be another round.
func (r *runner) round(s series, n int) (results []result, goesOn bool) {
	for _, c := range s.cases {
		for _, scheme := range strings.Split(c.options.schemes, ",") {
			store := r.certificate
			if scheme == "http" {
				store = nil
			}
			for _, t := range c.tools {
				at := strings.TrimPrefix(fmt.Sprintf("%s, round %d, %s, %s", c.name, n+1, scheme, t.name), ", ")
				out, err := c.options.plan.run(t, store)
				if err != nil {
					fmt.Fprintf(os.Stderr, "%s: %v\n", at, err)
					r.failed = true
				} else {
					out.Tool, out.Scheme, out.Case = t.name, scheme, c.name
					results = append(results, out)
					fmt.Fprintf(os.Stderr, "%s: %.2f ms a chunk, visible %.1f ms, listed %.1f ms\n",
						at, out.perChunk(), ms(out.Visible.P50), ms(out.Listed.P50))
				}
				select {
				case <-r.interrupted:
					return results, false
				default:
				}
			}
		}
	}
	return results, true
}

// choose returns the tools that the options name. What is not installed is left out, with a line.
func (o options) choose(dir string) (chosen []tool, err error) {
	wanted := strings.Split(o.tools, ",")
	for _, w := range wanted {
		if w != "sidecar" && w != "floor" && w != "peers" && !slices.ContainsFunc(peers(), isCalled(w)) {
			return nil, fmt.Errorf("-tools %q: want sidecar, floor, peers, or a word of a peer's name", w)
		}
	}
	if slices.Contains(wanted, "sidecar") {
		binaries := strings.Split(o.sidecars, ",")
		if o.sidecars == "" {
			built, err := build(dir, o.profile != "")
			if err != nil {
				return nil, err
			}
			binaries = []string{built}
		}
		for _, b := range binaries {
			chosen = append(chosen, sidecar(filepath.Base(b), b, o.backend, o.page, o.profile))
		}
	}
	if slices.Contains(wanted, "floor") {
		chosen = append(chosen, theFloor())
	}
	for _, t := range peers() {
		isWanted := func(word string) bool { return word == "peers" || isCalled(word)(t) }
		if !slices.ContainsFunc(wanted, isWanted) {
			continue
		}
		if program := t.missing(); program != "" {
			fmt.Fprintf(os.Stderr, "%s is left out: %s is not installed\n", t.name, program)
			continue
		}
		chosen = append(chosen, t)
	}
	return chosen, nil
}

// isCalled reports of a tool whether word is one of those of its name, as s5cmd of "inotifywait, s5cmd
// run".
func isCalled(word string) func(tool) bool {
	return func(t tool) bool {
		return slices.Contains(strings.FieldsFunc(t.name, func(r rune) bool { return r == ' ' || r == ',' }), word)
	}
}

// lookForPeers has programs be found where peers.sh builds them.
func lookForPeers() {
	cache, err := os.UserCacheDir()
	if err != nil {
		return // without a home there is nothing there
	}
	os.Setenv("PATH", filepath.Join(cache, "ems-sidecar-bench")+string(os.PathListSeparator)+os.Getenv("PATH"))
}
