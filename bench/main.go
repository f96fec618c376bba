// Command bench measures the daemon beside what people would use instead: on one machine, in one
// run, round by round, with the same load and the same store. See README.md.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

// floorVariable has this program be the floor: the root, the URL and the CA, a line each.
const floorVariable = "BENCH_FLOOR"

// options are the command line.
type options struct {
	plan     plan
	presets  string
	rounds   int
	schemes  string
	tools    string
	sidecars string
	backend  string
	page     string
	profile  string
	json     string
	markdown bool
}

func parse(arguments []string) (options, error) {
	o := options{plan: plan{delay: delay{text: "none"}, aside: aside{slow: delay{text: "none"}}}}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	l, a := &o.plan.load, &o.plan.aside
	f.StringVar(&o.presets, "preset", "", "what is measured, by its name, with commas: "+strings.Join(presetNames(), ", ")+
		"; or all. Other flags are for all of its cases")
	f.StringVar(&l.writer, "writer", "ems", "who writes: ems or ffmpeg")
	f.IntVar(&l.streams, "streams", 20, "live streams")
	f.IntVar(&a.resting, "resting", 0, "streams that ended before the tool starts")
	f.Int64Var(&l.size, "size", 500_000, "bytes of a chunk")
	f.DurationVar(&l.every, "chunk", 2*time.Second, "the time of a chunk")
	f.IntVar(&l.writes, "writes", 64, "write(2) calls for a chunk of EMS; 188 bytes each: size/188")
	f.IntVar(&l.batches, "batches", 8, "bursts in which they come")
	f.Int64Var(&a.restSize, "rest-size", 1000, "bytes of a chunk of a resting stream")
	f.IntVar(&a.old, "old", 0, "chunks in the streams' directories from before")
	f.BoolVar(&a.known, "old-known", false, "the bucket has them")
	f.Int64Var(&a.large, "large", 0, "bytes of a chunk, each 10 s, of one more stream; 0: there is none")
	f.IntVar(&a.children, "children", 0, "streams of one more group, with a chunk each 40 s, and a master playlist")
	f.Var(&a.slow, "slow-bucket", "as -delay, of another bucket with as many streams; none: there is none")
	f.Int64Var(&a.recording, "recording", 0,
		"bytes of a recording, which comes when the measuring begins; that ends with it, or fails after -measure")
	f.Var(&o.plan.delay, "delay",
		"time of a PUT in the store: none, fixed:110ms, lognormal:60ms,270ms or lognormal:60ms,270ms,2%,3s")
	f.Float64Var(&o.plan.perKey, "per-key", 0, "PUTs a second that the store takes for a key; 0: all")
	f.Float64Var(&o.plan.perPrefix, "per-prefix", 0, "PUTs a second that the store takes for a directory; 0: all")
	f.Float64Var(&o.plan.line, "line", 0, "bytes a second that the line to the store carries; 0: any number")
	f.DurationVar(&o.plan.outage, "outage", 0, "how long the store fails")
	f.DurationVar(&o.plan.after, "outage-after", 10*time.Second, "between the beginning of what is measured and that")
	f.StringVar(&o.plan.kind, "outage-kind", "reset", "how: reset, hang or 503")
	f.DurationVar(&o.plan.ahead, "ahead", 0, "how long the load runs before the tool; 0: it begins after it")
	f.DurationVar(&o.plan.settle, "settle", time.Second, "between the tool's start and the load")
	f.DurationVar(&o.plan.warm, "warm", 8*time.Second, "between the load's start and what is measured")
	f.DurationVar(&o.plan.othersWarm, "others-warm", 0, "the same for all tools but the daemon; 0: as -warm")
	f.DurationVar(&o.plan.measure, "measure", 20*time.Second, "what is measured")
	f.DurationVar(&o.plan.grace, "grace", 15*time.Second, "what late chunks have after the load, at the most")
	f.StringVar(&o.plan.keep, "logs", "", "a directory for the tools' logs")
	f.IntVar(&o.rounds, "rounds", 5, "rounds, in each of which every tool has its turn")
	f.StringVar(&o.schemes, "schemes", "http", "http, https or both, with a comma")
	f.StringVar(&o.tools, "tools", "sidecar,floor,peers", "sidecar, floor, peers, and names of peers, with commas")
	f.StringVar(&o.sidecars, "sidecars", "", "binaries of the daemon, with commas; empty: this checkout's")
	f.StringVar(&o.backend, "backend", "auto", "the daemon's [Watcher] backend")
	f.StringVar(&o.page, "page", "", "host:port of the daemon's status page and metrics; empty: none")
	f.StringVar(&o.profile, "profile", "", "a file for the CPU profile of this checkout's daemon")
	f.StringVar(&o.json, "json", "", "a file for all rounds")
	f.BoolVar(&o.markdown, "markdown", false, "print a table of Markdown")
	if err := f.Parse(arguments); err != nil {
		return o, err
	}
	return o, o.check()
}

func (o options) check() error {
	l := o.plan.load
	if l.writer != "ems" && l.writer != "ffmpeg" {
		return fmt.Errorf("-writer %q: want ems or ffmpeg", l.writer)
	}
	if l.streams < 0 || l.size < 1 || l.every <= 0 || l.writes < 1 || l.batches < 1 || o.rounds < 1 {
		return errors.New("-size, -chunk, -writes, -batches and -rounds must be more than 0, -streams not less")
	}
	if p := o.plan; p.measure <= 0 || p.outage < 0 || p.after < 0 || p.outage > 0 && p.after+p.outage >= p.measure {
		return errors.New("-measure must be more than 0, and more than -outage-after and -outage")
	}
	return nil
}

func main() {
	if at := os.Getenv(floorVariable); at != "" {
		f := strings.Split(at, "\n")
		fmt.Fprintln(os.Stderr, runFloor(f[0], f[1], f[2]))
		os.Exit(1)
	}
	series, err := plannedSeries(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(0)
	}
	if err == nil {
		err = run(series)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
