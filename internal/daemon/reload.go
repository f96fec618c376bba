package daemon

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"ems-sidecar/config"
	"ems-sidecar/uploader/s3store"
)

// Reloads are counts since the start.
type Reloads struct {
	OK, Failed uint64
	At         time.Time // of the last one; zero: there was none
	Failure    string    // of the last one; empty: it went well
}

// reloads are the state of reloading: whether one may begin, and how the last ones ended.
type reloads struct {
	running sync.Mutex      // is held during a reload
	ctx     context.Context // of the daemon's work; nil before it is ready, and when it ends

	counting sync.Mutex // guards figures
	figures  Reloads
}

func (r *reloads) open(ctx context.Context) {
	r.running.Lock()
	defer r.running.Unlock()
	r.ctx = ctx
}

// close waits for a reload that runs. There is none after it.
func (r *reloads) close() {
	r.running.Lock()
	defer r.running.Unlock()
	r.ctx = nil
}

func (r *reloads) count(err error) {
	r.counting.Lock()
	defer r.counting.Unlock()
	r.figures.At, r.figures.Failure = time.Now(), ""
	if err != nil {
		r.figures.Failed++
		r.figures.Failure = err.Error()
	} else {
		r.figures.OK++
	}
}

// Reloads returns how the reloads so far ended.
func (d *Daemon) Reloads() Reloads {
	d.reloads.counting.Lock()
	defer d.reloads.counting.Unlock()
	return d.reloads.figures
}

// errNotWorking refuses a reload of a daemon that has not started yet, or that ends.
var errNotWorking = errors.New("the daemon is starting or ending")

// Reload applies the config that load returns, to what begins after it. If that is wrong, nothing
// changes. It returns the config that holds then, and logs what has changed or why nothing has.
func (d *Daemon) Reload(load func() (*config.Config, error)) (*config.Config, error) {
	d.reloads.running.Lock()
	defer d.reloads.running.Unlock()
	changes, err := d.reload(d.reloads.ctx, load)
	d.reloads.count(err)
	d.records.metrics.Reloaded(err == nil, time.Now())
	if err != nil {
		d.logRefusal(err)
		return d.config(), err
	}
	waiting := 0
	for _, c := range changes {
		attrs := []any{"section", c.Section, "key", c.Key}
		if c.Old != c.New { // else it is a secret, or what differs is hidden
			attrs = append(attrs, "old", c.Old, "new", c.New)
		}
		if c.Applied == config.OnRestart {
			waiting++
			d.log.Warn("config key changed", append(attrs, "next", "the former value holds until a restart")...)
		} else {
			d.log.Info("config key changed", append(attrs, "next", "it holds for what begins from now on")...)
		}
	}
	for _, w := range d.config().Warnings {
		d.log.Warn("config", "err", w.String(), "next", "the config holds all the same")
	}
	d.log.Info("config reloaded", "changes", len(changes), "need_restart", waiting)
	return d.config(), nil
}

// logRefusal says why the config stays as it was.
func (d *Daemon) logRefusal(err error) {
	var mistakes *config.Error
	if errors.As(err, &mistakes) {
		for _, p := range mistakes.Problems {
			attrs := []any{"file", p.File, "line", p.Line, "section", p.Section, "key", p.Key}
			if p.Value != "" { // an unknown key is wrong with any
				attrs = append(attrs, "value", p.Value)
			}
			d.log.Error("config has a mistake", append(attrs, "err", p.Want)...)
		}
		err = fmt.Errorf("mistakes in the file: %d", len(mistakes.Problems))
	}
	d.log.Error("config not reloaded", "err", err, "next", "all goes on with the config as it was")
}

// reload makes everything that may fail first, and then applies it.
func (d *Daemon) reload(ctx context.Context, load func() (*config.Config, error)) ([]config.Change, error) {
	if ctx == nil || ctx.Err() != nil {
		return nil, errNotWorking
	}
	next, err := load()
	if err != nil {
		return nil, err
	}
	now, changes, err := d.config().Replace(next)
	if err != nil {
		return nil, err
	}
	p := plan{daemon: d, ctx: ctx, was: d.config(), now: now}
	if err := errors.Join(p.listeners(), p.sections()); err != nil {
		for _, discard := range p.discards {
			discard()
		}
		return nil, err
	}
	p.connect()
	d.cfg.Store(now)
	for _, apply := range p.applies {
		apply()
	}
	d.up.SetLimits(now.Upload.Workers, now.Upload.BulkWorkers, now.Upload.MinThroughput)
	return changes, nil
}

// A plan is a reload that is prepared: what can fail has been done, and changes nothing yet.
type plan struct {
	daemon   *Daemon
	ctx      context.Context
	was, now *config.Config
	opened   []*s3store.Store
	applies  []func() // in this order
	discards []func() // if it is not applied
}

// listeners plans the parts that listen. If one gets the door of the other, both end first.
func (p *plan) listeners() error {
	d, was := p.daemon, p.daemon.parts.doors
	next, err := was.movedTo(p.now)
	if err != nil {
		return err
	}
	p.add(func() {
		d.parts.doors = next
		if was.tradedIn(next) {
			d.parts.admin.vacate(p.ctx)
			d.parts.reactor.vacate(p.ctx)
		}
	}, func() { next.shutUnless(was) })
	return errors.Join(p.admin(next), p.reactor(next))
}

// admin plans another part for operators, if its section has changed.
func (p *plan) admin(next doors) error {
	d := p.daemon
	if reflect.DeepEqual(p.was.Admin, p.now.Admin) {
		return nil
	}
	front, err := d.adminPart(p.now, next.admin, next.left(d.parts.doors.admin))
	if err != nil {
		return err
	}
	p.add(func() { d.parts.admin.replace(p.ctx, front) }, func() {})
	return nil
}

func (p *plan) add(apply, discard func()) {
	p.applies = append(p.applies, apply)
	p.discards = append(p.discards, discard)
}

// reactor plans another part that speaks to the media server, if something that it needs has
// changed. It begins with a look, as at a start: no order is lost, and none is given twice.
func (p *plan) reactor(next doors) error {
	d := p.daemon
	needs := func(c *config.Config) []any {
		return []any{c.EMS, c.Hooks, c.Router, c.Recorder, c.Balancer, c.Resetter, c.AsksEMS()}
	}
	if reflect.DeepEqual(needs(p.was), needs(p.now)) {
		return nil
	}
	r, err := d.newReactor(p.now)
	if err != nil {
		return err
	}
	react := d.reactorPart(p.now, r, next.reactor, next.left(d.parts.doors.reactor))
	limits := newLimits(p.now, d.records.past.dir, d.limits.links)
	p.add(func() {
		d.naming.Lock()
		d.limits = limits
		d.naming.Unlock()
		d.ems.now.Store(r)
		d.parts.reactor.replace(p.ctx, react)
	}, func() {})
	return nil
}
