package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// A column is one figure of a result.
type column struct {
	name   string
	format string
	value  func(result) float64
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

var columns = []column{
	{"visible p50, ms", "%.1f", func(r result) float64 { return ms(r.Visible.P50) }},
	{"p99", "%.0f", func(r result) float64 { return ms(r.Visible.P99) }},
	{"listed p50, ms", "%.1f", func(r result) float64 { return ms(r.Listed.P50) }},
	{"p99", "%.0f", func(r result) float64 { return ms(r.Listed.P99) }},
	{"CPU a chunk, ms", "%.2f", result.perChunk},
	{"a GB, s", "%.1f", result.perGB},
	{"of a core, %", "%.1f", result.ofCore},
	{"memory, MB", "%.0f", func(r result) float64 { return float64(r.Memory) / 1e6 }},
	{"PUTs a chunk", "%.2f", func(r result) float64 { return ratio(float64(r.Requests.Put), float64(r.Chunks)) }},
	{"HEADs", "%.0f", func(r result) float64 { return float64(r.Requests.Head) }},
	{"LISTs", "%.0f", func(r result) float64 { return float64(r.Requests.List) }},
	{"playlists", "%.0f", func(r result) float64 { return float64(r.Playlists) }},
	{"too early", "%.0f", func(r result) float64 { return float64(r.Early) }},
	{"partial", "%.0f", func(r result) float64 { return float64(r.Partial) }},
	{"lost", "%.0f", func(r result) float64 { return float64(r.Lost) }},
	{"unlisted", "%.0f", func(r result) float64 { return float64(r.Unlisted) }},
}

var outageColumns = []column{
	{"current after, s", "%.1f", func(r result) float64 { return r.Current.Seconds() }},
	{"backlog gone after, s", "%.1f", func(r result) float64 { return r.Gone.Seconds() }},
}

// A subject is what the rounds of one tool over one scheme measured.
type subject struct {
	tool, scheme string
	rounds       []result
}

// bySubject groups results in the order of their first rounds.
func bySubject(all []result) (subjects []subject) {
	for _, r := range all {
		i := slices.IndexFunc(subjects, func(s subject) bool { return s.tool == r.Tool && s.scheme == r.Scheme })
		if i < 0 {
			i = len(subjects)
			subjects = append(subjects, subject{tool: r.Tool, scheme: r.Scheme})
		}
		subjects[i].rounds = append(subjects[i].rounds, r)
	}
	slices.SortStableFunc(subjects, func(a, b subject) int { return cmp.Compare(a.scheme, b.scheme) })
	return subjects
}

// median returns the median of a column.
func (s subject) median(c column) float64 {
	values := make([]float64, 0, len(s.rounds))
	for _, r := range s.rounds {
		values = append(values, c.value(r))
	}
	slices.Sort(values)
	if n := len(values); n%2 == 0 {
		return (values[n/2-1] + values[n/2]) / 2
	}
	return values[len(values)/2]
}

// write writes the medians, and what they are compared with the floor's and mc's. markdown is for
// documents; else the columns are aligned.
func write(out io.Writer, all []result, markdown, withOutage bool) {
	cols := columns
	if withOutage {
		cols = append(slices.Clip(cols), outageColumns...)
	}
	var rows [][]string
	head := []string{"tool", "rounds"}
	for _, c := range cols {
		head = append(head, c.name)
	}
	rows = append(rows, append(head, "CPU against floor", "against mc"))
	subjects := bySubject(all)
	cpu := columns[slices.IndexFunc(columns, func(c column) bool { return c.name == "CPU a chunk, ms" })]
	against := func(s subject, name string) string {
		i := slices.IndexFunc(subjects, func(o subject) bool { return o.tool == name && o.scheme == s.scheme })
		if i < 0 {
			return "-"
		}
		return fmt.Sprintf("%.2f", ratio(s.median(cpu), subjects[i].median(cpu)))
	}
	for _, s := range subjects {
		row := []string{s.scheme + ": " + s.tool, fmt.Sprint(len(s.rounds))}
		for _, c := range cols {
			row = append(row, fmt.Sprintf(c.format, s.median(c)))
		}
		rows = append(rows, append(row, against(s, "floor"), against(s, "mc mirror --watch")))
	}
	if markdown {
		rows = slices.Insert(rows, 1, slices.Repeat([]string{"---"}, len(rows[0])))
		for _, row := range rows {
			fmt.Fprintf(out, "| %s |\n", strings.Join(row, " | "))
		}
		return
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t")+"\t")
	}
	w.Flush()
}
