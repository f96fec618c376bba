package main

import (
	"strings"

	"github.com/alecthomas/kong"
)

// goFlags returns the arguments with two dashes before the names of flags that have one, as Go's
// own flag package takes them: -format and --format are the same. Kong takes -format for -f with
// the value "ormat".
func goFlags(model *kong.Application, args []string) []string {
	long := make(map[string]bool)
	for _, group := range model.AllFlags(false) {
		for _, flag := range group {
			long[flag.Name] = true
		}
	}
	changed := make([]string, 0, len(args))
	for i, arg := range args {
		if arg == "--" { // what follows are no flags
			return append(changed, args[i:]...)
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		if strings.HasPrefix(arg, "-") && long[name] {
			arg = "-" + arg
		}
		changed = append(changed, arg)
	}
	return changed
}
