package emstest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"ems-sidecar/emsapi"
)

type object = map[string]any

// shapes.json has one of each kind of stream, order and answer as a real server has them, to be
// filled in.
//
//go:embed shapes.json
var shapesJSON []byte

var shapes = func() map[string]object {
	var all map[string]object
	if err := json.Unmarshal(shapesJSON, &all); err != nil {
		panic(err)
	}
	return all
}()

// shape returns a new object of a kind.
func shape(kind string) object {
	o, ok := shapes[kind]
	if !ok {
		panic("no shape " + kind)
	}
	return maps.Clone(o)
}

// encode does as the server's serializer: keys in order, "/" escaped, doubles with four decimals,
// control bytes and invalid UTF-8 as they are.
func encode(v any) []byte { return appendJSON(nil, v) }

func appendJSON(out []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(out, "null"...)
	case bool:
		return strconv.AppendBool(out, v)
	case json.RawMessage: // encoded before
		return append(out, v...)
	case string:
		return appendString(out, v)
	case float64:
		if v == float64(int64(v)) {
			return strconv.AppendInt(out, int64(v), 10)
		}
		return strconv.AppendFloat(out, v, 'f', 4, 64)
	case object:
		out = append(out, '{')
		for i, k := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(appendString(out, k), ':')
			out = appendJSON(out, v[k])
		}
		return append(out, '}')
	case []any:
		out = append(out, '[')
		for i, e := range v {
			if i > 0 {
				out = append(out, ',')
			}
			out = appendJSON(out, e)
		}
		return append(out, ']')
	}
	return fmt.Append(out, v) // integers
}

func appendString(out []byte, s string) []byte {
	out = append(out, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '"', '\\', '/':
			out = append(out, '\\', c)
		case '\n':
			out = append(out, `\n`...)
		case '\r':
			out = append(out, `\r`...)
		case '\t':
			out = append(out, `\t`...)
		case '\f':
			out = append(out, `\f`...)
		case '\b':
			out = append(out, `\b`...)
		default:
			out = append(out, c)
		}
	}
	return append(out, '"')
}

// decode reads what the server would have answered.
func decode(v, into any) {
	if err := json.Unmarshal(emsapi.Lenient(encode(v)), into); err != nil {
		panic(err) // what this package encodes, emsapi decodes
	}
}

func orNull(list []any) any {
	if len(list) == 0 {
		return nil
	}
	return list
}
