package emstest

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"ems-sidecar/emsapi"
)

// handle carries out a command, and others if line breaks got into its parameters, and returns the
// answers: none if it is not this run any more.
func (s *Server) handle(r *run, path, query string) (answers [][]byte) {
	s.network.running.Lock()
	defer s.network.running.Unlock()
	if s.run != r {
		return nil
	}
	command := path[strings.LastIndexByte(path, '/')+1:] // any folder will do
	for line := range strings.FieldsFuncSeq(command+" "+parameters(query), func(c rune) bool {
		return c == '\r' ||
			c == '\n'
	}) {
		command, text, _ := strings.Cut(line, " ")
		answers = append(answers, s.execute(command, text))
	}
	return answers
}

// parameters returns the text of the first parameter of a query in the order of the alphabet. The
// server does not decode percents: base64 in which something is escaped is none.
func parameters(query string) string {
	all := strings.Split(query, "&")
	slices.Sort(all)
	_, value, _ := strings.Cut(all[0], "=")
	value, _, _ = strings.Cut(value, "=") // the padding, and what is behind it
	raw, err := base64.RawStdEncoding.DecodeString(value)
	if err != nil {
		return ""
	}
	return string(raw)
}

func (s *Server) execute(command, text string) []byte {
	p := parse(text)
	run := s.commands()[strings.ToLower(command)]
	a := fail("command " + strings.ToLower(command) + " not known. Type help for list of commands")
	if run != nil {
		a = run(p)
	}
	call := Call{Command: command, Raw: text}
	for _, v := range p.all {
		call.Params = append(call.Params, emsapi.Param{Key: v.key, Value: strings.Join(v.values, ",")})
	}
	status := "SUCCESS"
	if a.failed {
		status, call.Failed = "FAIL", a.description
	}
	s.calls = append(s.calls, call)
	out := object{"data": a.data, "description": a.description, "status": status}
	if id := p.text("commandId"); id != "" {
		out["responseId"] = id
	}
	return append(encode(out), "\r\n\r\n"...)
}

// params are those of one command.
type params struct{ all []param }

type param struct {
	key    string
	values []string // several: a list
}

// parse splits "key=value key=value". In values, blank, "=", "," and "\" are escaped with "\";
// before anything else, that is itself.
func parse(text string) (p params) {
	word := param{values: []string{""}}
	inKey := true
	flush := func() {
		if word.key != "" {
			p.all = append(p.all, word)
		}
		word, inKey = param{values: []string{""}}, true
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '\\' && i+1 < len(text) && strings.IndexByte(` =,\`, text[i+1]) >= 0 {
			i++
			word.put(inKey, text[i])
			continue
		}
		switch {
		case c == ' ':
			flush()
		case c == '=' && inKey:
			inKey = false
		case c == ',' && !inKey:
			word.values = append(word.values, "")
		default:
			word.put(inKey, c)
		}
	}
	last := &word.values[len(word.values)-1]
	*last = strings.TrimRight(*last, " ") // also an escaped one
	flush()
	return p
}

func (p *param) put(inKey bool, c byte) {
	if inKey {
		p.key += string([]byte{c})
	} else {
		p.values[len(p.values)-1] += string([]byte{c})
	}
}

// text returns the value of a key, whose case does not matter; the last one counts, and a list is
// none.
func (p params) text(key string) string {
	for _, v := range slices.Backward(p.all) {
		if strings.EqualFold(v.key, key) {
			if len(v.values) == 1 {
				return v.values[0]
			}
			return ""
		}
	}
	return ""
}

func (p params) has(key string) bool {
	return slices.ContainsFunc(p.all, func(v param) bool { return strings.EqualFold(v.key, key) })
}

// flag returns whether a key is set, or otherwise if it is not there.
func (p params) flag(key string, otherwise bool) bool {
	if !p.has(key) {
		return otherwise
	}
	return p.text(key) == "1"
}

// number returns the number that a key has, or otherwise if it has none.
func (p params) number(key string, otherwise int) int {
	n, err := strconv.Atoi(p.text(key))
	if err != nil {
		return otherwise
	}
	return n
}

// variables returns what the user added.
func (p params) variables() object {
	all := object{}
	for _, v := range p.all {
		if !strings.HasPrefix(v.key, "_") {
			continue
		}
		if len(v.values) == 1 {
			all[v.key] = v.values[0]
			continue
		}
		var list []any
		for _, e := range v.values {
			list = append(list, e)
		}
		all[v.key] = list
	}
	return all
}
