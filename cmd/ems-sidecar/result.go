package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// An outcome is what a test of the check found.
type outcome string

const (
	fine     outcome = "ok"
	warned   outcome = "warning"
	failed   outcome = "failed"
	untested outcome = "skipped"
)

// words are the outcomes as the text has them.
var words = map[outcome]string{fine: "ok", warned: "warn", failed: "FAIL", untested: "skip"}

// A result is that of one test.
type result struct {
	What    string  `json:"what"`
	Where   string  `json:"where"` // file, directory, bucket or address; empty: this process
	Outcome outcome `json:"outcome"`
	Message string  `json:"message,omitempty"` // lines
	Next    string  `json:"next,omitempty"`    // what to do
}

// indent is before the lines of a text that follow the first.
const indent = "                 "

// String returns the result as lines for people.
func (r result) String() string {
	where, message := r.Where, r.Message
	if where == "" {
		where, message = message, ""
	}
	text := fmt.Sprintf("%-4s  %-9s  %s\n", words[r.Outcome], r.What, where)
	switch {
	case message == "":
		message = r.Next
	case r.Next != "":
		message += ": " + r.Next
	}
	if message != "" {
		text += indent + strings.ReplaceAll(message, "\n", "\n"+indent) + "\n"
	}
	return text
}

// An advised error also says what to do.
type advised struct {
	error
	next string
}

// Error returns both.
func (e *advised) Error() string { return e.error.Error() + ": " + e.next }

func (e *advised) Unwrap() error { return e.error }

// advise adds what to do about an error.
func advise(err error, next string) error { return &advised{err, next} }

// failure is the result of a test that failed.
func failure(what, where string, err error) result {
	r := result{What: what, Where: where, Outcome: failed, Message: err.Error()}
	var a *advised
	if errors.As(err, &a) {
		if message, ok := strings.CutSuffix(r.Message, ": "+a.next); ok {
			r.Message, r.Next = message, a.next
		}
	}
	return r
}

// A checkAnswer is what "check --json" prints.
type checkAnswer struct {
	OK      bool     `json:"ok"`
	Verdict string   `json:"verdict"`
	Results []result `json:"results"`
}

// writeResults writes the results of a check as JSON.
func writeResults(w io.Writer, verdict string, ok bool, results []result) error {
	answer := checkAnswer{OK: ok, Verdict: verdict, Results: []result{}}
	for _, r := range results {
		r.Message = strings.ReplaceAll(r.Message, "\n", "; ")
		answer.Results = append(answer.Results, r)
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(answer)
}
