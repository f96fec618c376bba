package config

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// A keptSecret is a key with a secret, or with the name of a file that holds one.
type keptSecret struct {
	at   Problem // without Want
	file string  // empty: the secret is in the config file itself
}

// keep records where a secret is.
func (d *decoder) keep(k key, value string, at Problem) {
	credentials := strings.Contains(value, "://") && strings.Contains(value, "@") // rtmp://user:password@host
	switch {
	case value == "":
	case k.secret && strings.HasSuffix(k.name, "_file"), k.name == "tls_key":
		d.secrets = append(d.secrets, keptSecret{at, value})
	case k.secret || credentials:
		d.secrets = append(d.secrets, keptSecret{at, ""})
	}
}

// exposed returns a problem for each file with secrets that every user of this host can read. That
// of the config file is at its first secret.
func (d *decoder) exposed(path string) (problems []Problem) {
	told := make(map[string]bool)
	for _, s := range d.secrets {
		file, what := s.file, "the file that it names" // the name itself may be a secret, by mistake
		if file == "" {
			file, what = path, "this file"
		}
		mode, open := openToAll(file)
		if !open || told[file] {
			continue
		}
		told[file] = true
		s.at.Want = fmt.Sprintf("every user of this host can read the secret: %s has mode %04o; "+
			"take that right away with chmod o=", what, mode)
		problems = append(problems, s.at)
	}
	return problems
}

// openToAll reports whether the file can be read by users who neither own it nor are in its group.
func openToAll(path string) (os.FileMode, bool) {
	info, err := os.Stat(path)
	if err != nil { // what cannot be read is reported elsewhere
		return 0, false
	}
	if runtime.GOOS == "windows" { // where modes say nothing
		return 0, false
	}
	mode := info.Mode().Perm()
	return mode, mode&0o004 != 0
}
