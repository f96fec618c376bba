package main

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"sync"
	"time"
)

// A plan is what each round measures.
type plan struct {
	load       load
	aside      aside
	delay      delay
	perKey     float64 // PUTs a second
	perPrefix  float64
	line       float64       // bytes a second; 0: any number
	outage     time.Duration // 0: there is none
	after      time.Duration // between the beginning of what is measured and the outage
	kind       string        // of the outage
	ahead      time.Duration // that the load begins before the tool; 0: after it
	settle     time.Duration // before the load, for what rests
	warm       time.Duration // with the load, before what is measured
	othersWarm time.Duration // the same for all tools but the daemon; 0: as warm
	measure    time.Duration
	grace      time.Duration // after the load, for what is late
	keep       string        // where the tools' logs stay
}

// A round is one tool's turn.
type round struct {
	plan
	site
	bucket, slow *store
	stop         chan struct{} // closed when no more is to be written
	writing      sync.WaitGroup
	failed       chan error // of a writer
	children     []streamWriter
	began        time.Time // the tool
	loaded       time.Time // when the load began
}

// run has one tool upload the load, and measures it.
func (p plan) run(t tool, certificate *certificate) (result, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return result{}, err
	}
	defer os.RemoveAll(dir)
	r := &round{plan: p, bucket: newStore(newAccount()), slow: newStore(newAccount()), stop: make(chan struct{}),
		failed: make(chan error, 10),
		site:   site{root: filepath.Join(dir, "media"), slowRoot: filepath.Join(dir, "slow"), dir: dir, aside: p.aside}}
	r.bucket.delay, r.bucket.perKey.rate, r.bucket.perPrefix.rate = p.delay, p.perKey, p.perPrefix
	r.bucket.line.rate, r.slow.delay = p.line, p.aside.slow
	server, endpoint, err := serve(r.bucket, certificate)
	if err != nil {
		return result{}, err
	}
	defer server.end()
	if !t.learns && p.othersWarm > 0 {
		r.warm = p.othersWarm
	}
	slow, slowEndpoint, err := serve(r.slow, certificate)
	if err != nil {
		return result{}, err
	}
	defer slow.end()
	r.endpoint, r.slowEndpoint = endpoint, slowEndpoint
	if certificate != nil {
		r.caFile = filepath.Join(dir, "ca.pem")
		if err := os.WriteFile(r.caFile, certificate.pem, 0o600); err != nil {
			return result{}, err
		}
	}
	if err := r.prepare(); err != nil {
		return result{}, err
	}
	if p.ahead > 0 {
		r.write()
		time.Sleep(p.ahead) // so long there is a load without the tool
	}
	process, err := r.start(t)
	if err != nil {
		return result{}, err
	}
	defer process.stop()
	if p.ahead == 0 {
		time.Sleep(p.settle)
		r.write()
	}
	out, err := r.measured(process)
	return out, errors.Join(err, r.written())
}

// prepare writes what is there before the tool starts.
func (r *round) prepare() (err error) {
	account := r.bucket.account
	for _, dir := range []string{filepath.Join(r.root, recordings), r.slowRoot} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if _, err := r.plan.aside.rests().written(r.root, account, 5, true); err != nil {
		return err
	}
	if err := r.plan.aside.writeOld(r.load, r.root, r.bucket); err != nil {
		return err
	}
	if r.plan.aside.recording > 0 {
		if err := r.plan.aside.writeRecording(r.recorded()); err != nil {
			return err
		}
	}
	r.children, err = r.plan.aside.childLoad().written(r.root, account, 1, false)
	return err
}

// recorded is where the recording is before it is among what the tool uploads.
func (r *round) recorded() string { return filepath.Join(r.dir, recordedName) }

// start starts the tool.
func (r *round) start(t tool) (*process, error) {
	cmd, err := t.command(r.site)
	if err != nil {
		return nil, err
	}
	logFile := filepath.Join(r.dir, "log")
	if r.keep != "" {
		logFile = filepath.Join(r.keep, fmt.Sprintf("%s-%d.log", filepath.Base(t.name), time.Now().UnixMilli()))
	}
	r.began = time.Now()
	p, err := start(cmd, logFile)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", t.name, err)
	}
	return p, nil
}

// write begins to write the load, and what is beside it.
func (r *round) write() {
	r.loaded = time.Now()
	a, account := r.plan.aside, r.bucket.account
	writing := func(write func() error) {
		r.writing.Go(func() {
			if err := write(); err != nil {
				r.failed <- err
			}
		})
	}
	writing(func() error { return r.load.run(r.root, account, r.stop, nil) })
	writing(func() error { return a.largeLoad().run(r.root, account, r.stop, nil) })
	writing(func() error { return a.slowLoad(r.load).run(r.slowRoot, r.slow.account, r.stop, nil) })
	if a.children > 0 {
		writing(func() error { return a.childLoad().run(r.root, account, r.stop, r.children) })
		writing(func() error { return a.writeMaster(r.root, r.stop) })
	}
}

// written waits until nothing is written any more. It may be called twice.
func (r *round) written() error {
	select {
	case <-r.stop:
	default:
		close(r.stop)
	}
	r.writing.Wait()
	select {
	case err := <-r.failed:
		return err
	default:
		return nil
	}
}

// measured measures the process.
func (r *round) measured(tool *process) (result, error) {
	account := r.bucket.account
	time.Sleep(r.warm) // the load is measured for a time, whatever happens in it
	begin, before := time.Now(), account.soFar()
	if r.outage > 0 {
		at := begin.Add(r.after)
		r.bucket.outage.Store(&outage{r.kind, at, at.Add(r.outage)})
	}
	used, _ := tool.tree()
	recorded, err := r.pass()
	if err != nil {
		return result{}, err
	}
	end, requests := time.Now(), account.soFar().since(before)
	usedThen, _ := tool.tree()
	if err := r.written(); err != nil {
		return result{}, err
	}
	over := time.Now()
	for limit := over.Add(r.grace); !account.complete(r.loaded, over, r.outage == 0 && r.ahead == 0) && time.Now().Before(limit); {
		time.Sleep(20 * time.Millisecond)
	}
	if err := tool.alive(); err != nil {
		return result{}, err
	}
	out := newResult(account, begin, end, time.Now())
	out.addViolations(r.slow.account)
	out.Promised = int(float64(r.load.streams) * end.Sub(begin).Seconds() / r.load.every.Seconds())
	out.Requests, out.CPU, out.Memory = requests, usedThen-used, tool.peakMemory()
	out.Recording = ratio(float64(r.plan.aside.recording), recorded.Seconds())
	if o := r.bucket.outage.Load(); o != nil {
		out.recovered(account, o, r.line)
	}
	if r.ahead > 0 {
		out.Edges = currentAfter(account, r.load.streams, r.began)
	}
	return out, nil
}

// pass lets the time pass that is measured: that of the recording, if there is one, and returns how long
// that took.
func (r *round) pass() (recorded time.Duration, err error) {
	if r.plan.aside.recording == 0 {
		time.Sleep(r.measure)
		return 0, nil
	}
	account, key := r.bucket.account, path.Join(recordings, recordedName)
	account.closing(chunk{key: key, size: r.plan.aside.recording, aside: true})
	begin := time.Now()
	if err := os.Rename(r.recorded(), filepath.Join(r.root, key)); err != nil {
		return 0, err
	}
	for limit := begin.Add(r.measure); time.Now().Before(limit); time.Sleep(20 * time.Millisecond) {
		if at := account.visibleAt(key); !at.IsZero() {
			return at.Sub(begin), nil
		}
	}
	return 0, fmt.Errorf("the recording is not in the bucket after %v", r.measure)
}
