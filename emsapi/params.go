package emsapi

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// A Param is one parameter of a command.
type Param struct{ Key, Value string }

// ErrValue is that of a parameter that cannot be sent: it has a line break or a NUL in it, for
// which there is no escape, ends in a blank, which would make it another value, or is too long.
// Nothing was sent.
var ErrValue = errors.New("cannot be sent to EMS")

var escaper = strings.NewReplacer(`\`, `\\`, " ", `\ `, "=", `\=`, ",", `\,`)

// encode returns the query of a command. Its base64 goes out as it is: the server does not decode
// percents.
func encode(params []Param) (string, error) {
	if len(params) == 0 {
		return "", nil
	}
	words := make([]string, len(params))
	for i, p := range params {
		if strings.ContainsFunc(p.Key, notInKey) {
			return "", fmt.Errorf("the key %q %w: it may have letters, digits, _ and - only", p.Key, ErrValue)
		}
		if strings.ContainsAny(p.Value, "\r\n\x00") {
			return "", fmt.Errorf("%s %w: it has a line break or a NUL in it", p.Key, ErrValue)
		}
		if strings.HasSuffix(p.Value, " ") {
			return "", fmt.Errorf("%s %w: it ends in a blank, which the server drops even if it is escaped", p.Key, ErrValue)
		}
		words[i] = p.Key + "=" + escaper.Replace(p.Value)
	}
	query := "params=" + base64.StdEncoding.EncodeToString([]byte(strings.Join(words, " ")))
	if len(query) > maxQuery {
		return "", fmt.Errorf("the parameters %w: they take %d bytes of at most %d", ErrValue, len(query), maxQuery)
	}
	return query, nil
}

// notInKey keeps a key from ending the command or beginning another parameter: what is escaped in
// it is not known.
func notInKey(r rune) bool {
	return r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}
