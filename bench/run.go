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

// run measures what the options say, and prints the report. An interrupt ends it after the round,
// with what was measured so far.
func run(o options) error {
	dir, err := os.MkdirTemp("", "bench-tools")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	tools, err := o.choose(dir)
	if err != nil {
		return err
	}
	certificate, err := newCertificate()
	if err != nil {
		return err
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	var all []result
	failed := false
rounds:
	for n := range o.rounds {
		for _, scheme := range strings.Split(o.schemes, ",") {
			store := certificate
			if scheme == "http" {
				store = nil
			}
			for _, t := range tools {
				r, err := o.plan.run(t, store)
				if err != nil {
					fmt.Fprintf(os.Stderr, "round %d, %s, %s: %v\n", n+1, scheme, t.name, err)
					failed = true
					continue
				}
				r.Tool, r.Scheme = t.name, scheme
				all = append(all, r)
				fmt.Fprintf(os.Stderr, "round %d, %s, %s: %.2f ms a chunk, visible %.1f ms, listed %.1f ms\n",
					n+1, scheme, t.name, r.perChunk(), ms(r.Visible.P50), ms(r.Listed.P50))
				select {
				case <-interrupted:
					break rounds
				default:
				}
			}
		}
	}
	write(os.Stdout, all, o.markdown, o.plan.outage > 0)
	if o.json != "" {
		b, err := json.MarshalIndent(all, "", "\t")
		if err == nil {
			err = os.WriteFile(o.json, b, 0o644)
		}
		if err != nil {
			return err
		}
	}
	if failed {
		return errors.New("some rounds have no figures")
	}
	return nil
}

// choose returns the tools that the options name. What is not installed is left out, with a line.
func (o options) choose(dir string) (chosen []tool, err error) {
	wanted := strings.Split(o.tools, ",")
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
		if !slices.Contains(wanted, "peers") && !slices.ContainsFunc(wanted, func(w string) bool {
			return w != "" && strings.HasPrefix(t.name, w)
		}) {
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
