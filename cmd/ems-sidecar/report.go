package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	// stepTime is how long a step of the check may take, beside what its size takes.
	stepTime = 5 * time.Second
	// quietTime is how long a step may take before a line says what is waited for.
	quietTime = time.Second
)

// A report has the results of a check. As text, it prints each at once, and at the end a verdict,
// which repeats what is wrong. As JSON, it prints all at the end.
type report struct {
	s       surroundings
	asJSON  bool
	strict  bool // warnings count as failures
	results []result
}

// say notes the result of a test, and reports whether it is good.
func (r *report) say(what, where string, err error) bool {
	if err != nil {
		r.add(failure(what, where, err))
		return false
	}
	r.add(result{What: what, Where: where, Outcome: fine})
	return true
}

// hint is say for what the daemon works without.
func (r *report) hint(what, where, without string, err error) {
	if err == nil {
		r.say(what, where, nil)
		return
	}
	r.warn(what, where, fmt.Sprintf("%v\nwithout this, %s", err, without))
}

// warn is for what works, and is probably not meant.
func (r *report) warn(what, where, text string) {
	r.add(result{What: what, Where: where, Outcome: warned, Message: text})
}

// skip notes what was not tested, why, and how to test it.
func (r *report) skip(what, where, why, how string) {
	r.add(result{What: what, Where: where, Outcome: untested, Message: why, Next: how})
}

// more adds a line to the test before.
func (r *report) more(text string) {
	last := &r.results[len(r.results)-1]
	last.Message = strings.TrimPrefix(last.Message+"\n"+text, "\n")
	r.print("%s%s\n", indent, text)
}

func (r *report) add(found result) {
	r.results = append(r.results, found)
	r.print("%s", found)
}

// print writes a line of the text.
func (r *report) print(format string, with ...any) {
	if !r.asJSON {
		fmt.Fprintf(r.s.stdout, format, with...)
	}
}

// count returns how many tests had that result.
func (r *report) count(o outcome) (n int) {
	for _, found := range r.results {
		if found.Outcome == o {
			n++
		}
	}
	return n
}

// verdict ends a check. Its last line is the whole result.
func (r *report) verdict(ctx context.Context) error {
	text, good := r.judge(ctx)
	if r.asJSON {
		if err := writeResults(r.s.stdout, text, good, r.results); err != nil {
			return err
		}
	} else {
		if r.count(failed)+r.count(warned) > 0 {
			r.print("\nAgain, what is wrong:\n")
		}
		for _, found := range r.results {
			if found.Outcome == failed || found.Outcome == warned {
				r.print("%s", found)
			}
		}
		if _, err := fmt.Fprintln(r.s.stdout, text); err != nil {
			return err
		}
	}
	if !good {
		return errSaid
	}
	return nil
}

// judge returns the whole result.
func (r *report) judge(ctx context.Context) (text string, good bool) {
	failures, warnings := r.count(failed), r.count(warned)
	tests := len(r.results) - r.count(untested)
	good = failures == 0 && ctx.Err() == nil && (warnings == 0 || !r.strict)
	switch {
	case ctx.Err() != nil:
		text = fmt.Sprintf("interrupted after %d tests, %d of which failed", tests, failures)
	case failures > 0:
		text = fmt.Sprintf("%d of %d tests failed", failures, tests)
	case warnings > 0 && r.strict:
		text = fmt.Sprintf("failed, since --strict counts warnings: %d", warnings)
	case warnings > 0:
		text = fmt.Sprintf("it works; warnings: %d", warnings)
	default:
		text = "everything is fine"
	}
	var rest []string
	for _, found := range r.results {
		if found.Outcome == untested {
			rest = append(rest, found.What)
		}
	}
	if len(rest) > 0 {
		text += "; not tested: " + strings.Join(rest, ", ")
	}
	return text, good
}

// timed runs one step of the check for at most limit, and prints what is waited for if it takes a
// while. A system call that does not return ends with the process.
func timed[T any](ctx context.Context, r *report, what, which string, limit time.Duration,
	f func(context.Context) (T, error)) (T, error) {
	type outcome struct {
		got T
		err error
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ended := make(chan outcome, 1)
	go func() {
		got, err := f(ctx)
		ended <- outcome{got, err}
	}()
	quiet, over := time.NewTimer(quietTime), time.NewTimer(limit+quietTime)
	defer quiet.Stop()
	defer over.Stop()
	for {
		select {
		case o := <-ended:
			if o.err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
				o.err = fmt.Errorf("not done within %v: %w", limit.Round(time.Second), o.err)
			}
			return o.got, o.err
		case <-quiet.C:
			r.print("wait  %-9s  %s, for at most %v\n", what, which, limit.Round(time.Second))
		case <-over.C:
			var none T
			return none, fmt.Errorf("not done within %v: the file system does not "+
				"answer", limit.Round(time.Second))
		}
	}
}

// try is timed for what returns nothing.
func try(ctx context.Context, r *report, what, which string, limit time.Duration,
	f func(context.Context) error) error {
	_, err := timed(ctx, r, what, which, limit, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, f(ctx)
	})
	return err
}
