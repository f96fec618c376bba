package config

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// A keptSecret is a key that has a secret, or names a file that does.
type keptSecret struct {
	at   Problem // without what is wrong
	file string  // empty: it stands in the config file itself
}

// keep notes where a secret is kept.
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

// exposed returns a problem for each file with secrets in it that every user of this host can read. The config
// file's stands at its first secret.
func (d *decoder) exposed(path string) (problems []Problem) {
	told := make(map[string]bool)
	for _, s := range d.secrets {
		file, what := s.file, "the file that it names" // not by its name: a secret may have got there by mistake
		if file == "" {
			file, what = path, "this file"
		}
		mode, open := openToAll(file)
		if !open || told[file] {
			continue
		}
		told[file] = true
		s.at.Want = fmt.Sprintf("every user of this host can read the secret: %s has mode %04o; take that right away with chmod o=", what, mode)
		problems = append(problems, s.at)
	}
	return problems
}

// openToAll reports whether the file can be read by users who neither own it nor are in its group.
func openToAll(path string) (os.FileMode, bool) {
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS == "windows" { // where modes say nothing; what cannot be read is told elsewhere
		return 0, false
	}
	mode := info.Mode().Perm()
	return mode, mode&0o004 != 0
}
