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

// A report prints one line for each test, and at the end a verdict, which repeats what is wrong.
type report struct {
	s        surroundings
	tests    int
	failed   int
	warned   int
	untested []string
	again    strings.Builder // failures and warnings
}

// say prints the result of a test, and reports whether it is good.
func (r *report) say(what, which string, err error) bool {
	r.tests++
	if err != nil {
		r.failed++
		r.twice("FAIL  %-9s  %s\n                 %v\n", what, which, err)
		return false
	}
	fmt.Fprintf(r.s.stdout, "ok    %-9s  %s\n", what, which)
	return true
}

// hint is say for what the daemon works without.
func (r *report) hint(what, which, without string, err error) {
	if err == nil {
		r.say(what, which, nil)
		return
	}
	r.warn(what, which, fmt.Sprintf("%v\n                 without this, %s", err, without))
}

// warn is for what works, and is probably not meant.
func (r *report) warn(what, which, text string) {
	r.tests++
	r.warned++
	r.twice("warn  %-9s  %s\n                 %s\n", what, which, text)
}

// more adds a line to the test before.
func (r *report) more(text string) {
	fmt.Fprintf(r.s.stdout, "                 %s\n", text)
}

// skip prints what was not tested, why, and how to test it.
func (r *report) skip(what, which, how string) {
	r.untested = append(r.untested, what)
	fmt.Fprintf(r.s.stdout, "skip  %-9s  %s\n                 %s\n", what, which, how)
}

// twice prints a line now and before the verdict.
func (r *report) twice(format string, with ...any) {
	text := fmt.Sprintf(format, with...)
	fmt.Fprint(r.s.stdout, text)
	r.again.WriteString(text)
}

// verdict ends a check. Its last line is the whole result.
func (r *report) verdict(ctx context.Context) error {
	out := r.s.stdout
	if r.again.Len() > 0 {
		fmt.Fprintf(out, "\nAgain, what is wrong:\n%s", r.again.String())
	}
	text := "everything is fine"
	switch {
	case ctx.Err() != nil:
		text = fmt.Sprintf("interrupted after %d tests, %d of which failed", r.tests, r.failed)
	case r.failed > 0:
		text = fmt.Sprintf("%d of %d tests failed", r.failed, r.tests)
	case r.warned > 0:
		text = fmt.Sprintf("it works; warnings: %d", r.warned)
	}
	if len(r.untested) > 0 {
		text += "; not tested: " + strings.Join(r.untested, ", ")
	}
	if _, err := fmt.Fprintln(out, text); err != nil {
		return err
	}
	if r.failed > 0 || ctx.Err() != nil {
		return errSaid
	}
	return nil
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
			fmt.Fprintf(r.s.stdout, "wait  %-9s  %s, for at most %v\n", what, which, limit.Round(time.Second))
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
