package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ems-sidecar/internal/e2e"
)

// completion writes the script for a shell, and returns the shell's path and that of the script.
func completion(t *testing.T, name string) (shell, script string) {
	t.Helper()
	code, stdout, stderr := e2e.RunCommandLine(t, "completion", name)
	if code != exitFine || stderr != "" || stdout == "" {
		t.Fatalf("exit code %d, %q", code, stderr)
	}
	script = filepath.Join(t.TempDir(), "script")
	e2e.Must(t, os.WriteFile(script, []byte(stdout), 0o600))
	shell, err := exec.LookPath(name)
	if err != nil {
		t.Skip("no " + name)
	}
	return shell, script
}

// completed are command lines, of which the last word is to be completed, with what it may become.
var completed = []struct {
	line string
	want []string
}{
	{"ch", []string{"check"}},
	{"config ", []string{"show", "lua"}},
	{"config show --c", []string{"--config", "--changed"}},
	{"check --o", []string{"--offline"}},
	{"completion ", []string{"bash", "zsh", "fish"}},
	{"check --config a.ini --st", []string{"--strict"}},
}

func TestBashCompletes(t *testing.T) {
	shell, script := completion(t, "bash")
	e2e.Must(t, os.WriteFile(filepath.Join(filepath.Dir(script), "a file.ini"), nil, 0o600))
	complete := func(words ...string) string {
		t.Helper()
		words = append([]string{"ems-sidecar"}, words...)
		cmd := exec.Command(shell, "--norc", "-c", `. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
			_ems_sidecar ems-sidecar "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
			printf '%s|' "${COMPREPLY[@]}"`, "bash", script)
		cmd.Args = append(cmd.Args, words...)
		cmd.Dir = filepath.Dir(script)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	for _, c := range completed {
		got := complete(strings.Split(c.line, " ")...)
		for _, want := range c.want {
			if !strings.Contains("|"+got, "|"+want+"|") {
				t.Errorf("%q: %q is not in %q", c.line, want, got)
			}
		}
	}
	if got := complete("check", "--config", "a"); got != "a file.ini|" {
		t.Errorf("of a file: %q", got)
	}
	if got := complete("check", "--config", "=", "a"); got != "a file.ini|" { // how bash splits --config=a
		t.Errorf("of a file behind =: %q", got)
	}
	if got := complete("status", "--"); strings.Contains(got, "--strict") {
		t.Errorf("a flag of another command: %q", got)
	}
}

func TestFishCompletes(t *testing.T) {
	shell, script := completion(t, "fish")
	for _, c := range completed {
		out, err := exec.Command(shell, "--no-config", "-c", `source $argv[1]; complete -C "ems-sidecar $argv[2]"`, script, c.line).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for _, want := range c.want {
			if !strings.Contains("\n"+string(out), "\n"+want+"\t") {
				t.Errorf("%q: %q is not in %q", c.line, want, out)
			}
		}
	}
}

// zsh completes only at a terminal: this one is zsh's own. What is typed before its line editor runs
// would be echoed and not completed, so that the editor is waited for. The line is run at the end,
// and there is no such command.
func TestZshCompletes(t *testing.T) {
	shell, script := completion(t, "zsh")
	const terminal = `zmodload zsh/zpty
zpty z $3 -f
zpty -w z "autoload -Uz compinit; compinit -u -D; source $1; bindkey '^I' list-choices; LISTMAX=1000 PROMPT= RPROMPT=
zle-line-init() { print EDITOR-\${:-READY} }; zle -N zle-line-init"
zpty -r -m z line '*EDITOR-READY*'
zpty -n -w z "ems-sidecar $2"$'\t\n'
zpty -r -m z line '*not found*' && print -r -- $line
zpty -d z`
	for _, c := range completed {
		cmd := exec.CommandContext(t.Context(), shell, "-f", "-c", terminal, "zsh", script, c.line, shell)
		cmd.Env = append(os.Environ(), "TERM=dumb", "PATH="+t.TempDir())
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for _, want := range c.want {
			if !strings.Contains(string(out), want) {
				t.Errorf("%q: %q is not in %q", c.line, want, out)
			}
		}
	}
}
