package trouble

import (
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// kept returns the attributes in a form that can be kept: as text, unless they are small anyway.
func kept(attrs []any) []slog.Attr {
	r := slog.NewRecord(time.Time{}, 0, "", 0)
	r.Add(attrs...)
	list := make([]slog.Attr, 0, r.NumAttrs()+1)
	r.Attrs(func(a slog.Attr) bool {
		a.Value = a.Value.Resolve()
		switch a.Value.Kind() {
		case slog.KindString, slog.KindAny, slog.KindGroup:
			a.Value = slog.StringValue(short(text(a.Value), maxValue))
		}
		list = append(list, a)
		return true
	})
	return list
}

// text is the value as a text handler writes it.
func text(v slog.Value) string {
	if err, ok := v.Any().(error); ok {
		return err.Error()
	}
	if v.Kind() == slog.KindAny {
		return fmt.Sprintf("%+v", v.Any())
	}
	return v.String()
}

// short returns at most n bytes of s in memory of their own, and an ellipsis if that is not all of
// it.
func short(s string, n int) string {
	if len(s) <= n {
		return strings.Clone(s)
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
