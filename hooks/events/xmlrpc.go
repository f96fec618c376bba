package events

import "bytes"

// positions are what the parameters of the server's calls are, in their order.
var positions = []string{"id", "payload", "processId", "timestamp", "type"}

// fromCall returns the event of an XML-RPC call. The server sends its parts as five parameters. The
// documentation has one parameter, which is the event or only its payload.
func fromCall(call *element) ([]byte, error) {
	method, params := call.child("methodName"), call.child("params").all("param")
	if method == nil || len(params) == 0 {
		return nil, errXML
	}
	parts := make(map[string]*element)
	if len(params) > 1 {
		for i, param := range params[:min(len(params), len(positions))] {
			parts[positions[i]] = param.child("value")
		}
	} else if value := params[0].child("value"); value != nil {
		if parts = value.argument().members(); parts["payload"] == nil {
			parts["payload"] = value
			delete(parts, "type") // it is the stream's
		}
	}
	if parts["payload"] == nil {
		return nil, errXML
	}
	if typ := bytes.TrimSpace(method.text); len(typ) > 0 {
		parts["type"] = &element{text: typ}
	}
	out := []byte{'{'}
	for _, key := range positions {
		if v := parts[key]; v != nil {
			out = append(append(append(out, quoted([]byte(key))...), ':'), v.appendValue(nil)...)
			out = append(out, ',')
		}
	}
	return append(out[:len(out)-1], '}'), nil
}

func (e *element) child(tag string) *element {
	if e != nil {
		for _, c := range e.children {
			if c.tag == tag {
				return c
			}
		}
	}
	return nil
}

// all returns the children with that tag.
func (e *element) all(tag string) (found []*element) {
	if e != nil {
		for _, c := range e.children {
			if c.tag == tag {
				found = append(found, c)
			}
		}
	}
	return found
}

// argument returns the typed value in a value element, or nil: then it is a string.
func (e *element) argument() *element {
	if len(e.children) == 0 {
		return nil
	}
	return e.children[0]
}

// members returns the values of a struct by their names.
func (e *element) members() map[string]*element {
	all := make(map[string]*element)
	if e == nil || e.tag != "struct" {
		return all
	}
	for _, m := range e.children {
		if name, value := m.child("name"), m.child("value"); name != nil && value != nil {
			all[string(name.text)] = value
		}
	}
	return all
}

// appendValue appends an XML-RPC value as JSON.
func (e *element) appendValue(out []byte) []byte {
	v := e.argument()
	if v == nil {
		return append(out, quoted(e.text)...)
	}
	switch v.tag {
	case "struct":
		out = append(out, '{')
		first := true
		for _, m := range v.children {
			name, value := m.child("name"), m.child("value")
			if name == nil || value == nil {
				continue
			}
			if !first {
				out = append(out, ',')
			}
			first = false
			out = append(append(out, quoted(name.text)...), ':')
			out = value.appendValue(out)
		}
		return append(out, '}')
	case "array":
		out = append(out, '[')
		if items := v.child("data"); items != nil {
			for i, value := range items.children {
				if i > 0 {
					out = append(out, ',')
				}
				out = value.appendValue(out)
			}
		}
		return append(out, ']')
	}
	return v.appendScalar(out)
}
