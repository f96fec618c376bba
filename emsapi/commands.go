package emsapi

import (
	"context"
	"maps"
	"slices"
	"strconv"
)

// Version asks for the server's version, which is for operators to read.
func (c *Client) Version(ctx context.Context) (v Version, err error) {
	err = c.Call(ctx, "version", nil, &v)
	return Version{brief(v.Banner), brief(v.ReleaseNumber), brief(v.BuildNumber), brief(v.CodeName)}, err
}

// ListStreams lists all streams, inbound and outbound.
func (c *Client) ListStreams(ctx context.Context) (streams []Stream, err error) {
	err = c.Call(ctx, "listStreams", nil, &streams)
	return streams, err
}

// StreamInfoByID returns the stream with that id, inbound or outbound; there is a Failure if there
// is none.
func (c *Client) StreamInfoByID(ctx context.Context, id uint32) (s Stream, err error) {
	err = c.Call(ctx, "getStreamInfo", []Param{{"id", number(id)}}, &s)
	return s, err
}

// ListConfig lists the standing orders.
func (c *Client) ListConfig(ctx context.Context) (cfg Config, err error) {
	err = c.Call(ctx, "listConfig", nil, &cfg)
	return cfg, err
}

// RemoveConfig removes an order and ends its stream. That there is none with this id is no error.
func (c *Client) RemoveConfig(ctx context.Context, id uint32) error {
	return c.Call(ctx, "removeConfig", []Param{{"id", number(id)}}, nil)
}

// PullStream uses URI, LocalStreamName, KeepAlive and Variables. As those below, it returns what
// the server has made of it.
func (c *Client) PullStream(ctx context.Context, p Pull) (made Pull, err error) {
	params := []Param{{"uri", p.URI}, {"localStreamName", p.LocalStreamName}, {"keepAlive", flag(p.KeepAlive)}}
	err = c.Call(ctx, "pullStream", append(params, p.Variables.params()...), &made)
	return made, err
}

// PushStream uses TargetURI, LocalStreamName, TargetStreamName, KeepAlive and Variables.
func (c *Client) PushStream(ctx context.Context, p Push) (made Push, err error) {
	params := []Param{{"uri", p.TargetURI}, {"localStreamName", p.LocalStreamName}, {"keepAlive", flag(p.KeepAlive)}}
	if p.TargetStreamName != "" {
		params = append(params, Param{"targetStreamName", p.TargetStreamName})
	}
	err = c.Call(ctx, "pushStream", append(params, p.Variables.params()...), &made)
	return made, err
}

// Record uses LocalStreamName, PathToFile, Type, ChunkLength, Overwrite, KeepAlive and Variables.
func (c *Client) Record(ctx context.Context, r Recording) (made Recording, err error) {
	params := []Param{
		{"localStreamName", r.LocalStreamName}, {"pathToFile", r.PathToFile}, {"type", r.Type},
		{"chunkLength", strconv.Itoa(r.ChunkLength)}, {"overwrite", flag(r.Overwrite)}, {"keepAlive", flag(r.KeepAlive)},
	}
	err = c.Call(ctx, "record", append(params, r.Variables.params()...), &made)
	return made, err
}

// SetTimer uses Seconds, from 1 to 86399, and Variables.
func (c *Client) SetTimer(ctx context.Context, t Timer) (made Timer, err error) {
	err = c.Call(ctx, "setTimer", append([]Param{{"value", strconv.Itoa(t.Seconds)}}, t.Variables.params()...), &made)
	return made, err
}

// ListTimers lists the timers that are armed.
func (c *Client) ListTimers(ctx context.Context) (timers []Timer, err error) {
	err = c.Call(ctx, "listTimers", nil, &timers)
	return timers, err
}

// RemoveTimer removes a timer; there is a Failure if there is none.
func (c *Client) RemoveTimer(ctx context.Context, id uint32) error {
	return c.Call(ctx, "removeTimer", []Param{{"id", number(id)}}, nil)
}

// ShutdownStream ends a stream; permanently removes the order that it comes from, too, which starts
// it again otherwise.
func (c *Client) ShutdownStream(ctx context.Context, id uint32, permanently bool) error {
	return c.Call(ctx, "shutdownStream", []Param{{"id", number(id)}, {"permanently", flag(permanently)}}, nil)
}

func (v Variables) params() []Param {
	var params []Param
	for _, k := range slices.Sorted(maps.Keys(v)) {
		params = append(params, Param{"_" + k, v[k]})
	}
	return params
}

func number(id uint32) string { return strconv.FormatUint(uint64(id), 10) }

func flag(on bool) string {
	if on {
		return "1"
	}
	return "0"
}
