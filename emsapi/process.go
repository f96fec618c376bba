package emsapi

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// transcodeJSON is what the order of a transcode has and that of another process lacks.
// https://docs.evostream.com/2.0/transcode.html
type transcodeJSON struct {
	Destinations, TargetStreamNames texts
	EMSTargetStreamName             texts
}

// texts is one text or a list of them.
type texts []Text

func (t *texts) UnmarshalJSON(raw []byte) error {
	if bytes.HasPrefix(raw, []byte(`"`)) {
		*t = make(texts, 1)
		return json.Unmarshal(raw, &(*t)[0])
	}
	return json.Unmarshal(raw, (*[]Text)(t))
}

// UnmarshalJSON decodes an order of listConfig.
func (p *Process) UnmarshalJSON(raw []byte) error {
	w, err := order(raw)
	if err != nil {
		return err
	}
	*p = Process{
		ConfigID: w.ConfigID, Binary: string(w.FullBinaryPath), Arguments: string(w.Arguments),
		GroupName: string(w.GroupName), KeepAlive: w.KeepAlive, Variables: w.variables,
		Status: w.Status.Current.Code,
	}
	var t transcodeJSON
	if json.Unmarshal(raw, &t) == nil { // else another program's keys have these names
		p.Targets = t.targets()
	}
	return nil
}

// targets returns the streams of this server: a destination is a name here, or a URI, and then the
// name at that place stands in another list.
func (t *transcodeJSON) targets() (names []string) {
	add := func(name string) {
		if name != "" && name != "na" && !strings.Contains(name, "://") && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, name := range t.EMSTargetStreamName {
		add(string(name))
	}
	for i, d := range t.Destinations {
		add(string(d))
		if i < len(t.TargetStreamNames) && isHere(string(d)) {
			add(string(t.TargetStreamNames[i]))
		}
	}
	return names
}

// isHere reports whether a URI leads to this host.
func isHere(uri string) bool {
	u, err := url.Parse(uri)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
}
