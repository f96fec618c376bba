package emsapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"ems-sidecar/media"
)

type streamJSON struct {
	UniqueID            uint32
	Name, Type          Text
	ConnectionType      ConnectionType
	ProcessID           int64
	CreationTimestamp   float64
	UpTime              float64
	FarIP, NearIP       Text
	FarPort, NearPort   int
	UserAgent           Text
	Audio, Video        feedJSON
	InStreamUniqueID    uint32
	OutStreamsUniqueIDs []uint32
	PullSettings        *Pull
	PushSettings        *Push
	RecordSettings      *Recording
}

type feedJSON struct {
	BytesCount, PacketsCount float64
	Codec                    Text
}

func (f feedJSON) feed() Feed {
	return Feed{Codec: string(f.Codec), Packets: uint64(max(0, f.PacketsCount))}
}

// UnmarshalJSON decodes a stream of listStreams, getStreamInfo or an event.
func (s *Stream) UnmarshalJSON(raw []byte) error {
	var w streamJSON
	if err := json.Unmarshal(raw, &w); err != nil {
		return err
	}
	*s = Stream{
		ID: w.UniqueID, Name: string(w.Name), Type: string(w.Type), ConnectionType: w.ConnectionType, ProcessID: w.ProcessID,
		CreationTimestamp: w.CreationTimestamp, UpTime: w.UpTime, FarIP: string(w.FarIP), NearIP: string(w.NearIP),
		FarPort: w.FarPort, NearPort: w.NearPort, UserAgent: string(w.UserAgent),
		Bytes: uint64(w.Audio.BytesCount + w.Video.BytesCount), InStreamID: w.InStreamUniqueID,
		Audio: w.Audio.feed(), Video: w.Video.feed(),
		Outputs: w.OutStreamsUniqueIDs, Pull: w.PullSettings, Push: w.PushSettings, Record: w.RecordSettings,
	}
	return nil
}

// orderJSON has what the orders have in common, and what only one of them has.
type orderJSON struct {
	ConfigID                                   uint32
	LocalStreamName, TargetStreamName          Text
	URI, TargetURI                             address
	PathToFile, ComputedPathToFile, Type       Text
	GroupName, TargetFolder, GroupTargetFolder Text
	FullBinaryPath, Arguments                  Text
	ChunkLength                                *int
	Overwrite, KeepAlive                       bool
	Status                                     struct {
		Current struct {
			Code           Status
			UniqueStreamID uint32
		}
	}
	variables Variables
}

func order(raw []byte) (w orderJSON, err error) {
	if err = json.Unmarshal(raw, &w); err == nil {
		err = w.variables.UnmarshalJSON(raw)
	}
	return w, err
}

// address is a URI, which is an object in the answers to pullStream and pushStream.
type address string

func (a *address) UnmarshalJSON(raw []byte) error {
	if raw[0] != '{' {
		return (*Text)(a).UnmarshalJSON(raw)
	}
	var w struct{ OriginalURI Text }
	err := json.Unmarshal(raw, &w)
	*a = address(w.OriginalURI)
	return err
}

// UnmarshalJSON decodes an order of listConfig, of an answer or of a stream.
func (p *Pull) UnmarshalJSON(raw []byte) error {
	w, err := order(raw)
	*p = Pull{w.ConfigID, string(w.URI), string(w.LocalStreamName), w.KeepAlive, w.variables,
		w.Status.Current.Code, w.Status.Current.UniqueStreamID}
	return err
}

// UnmarshalJSON decodes an order of listConfig, of an answer or of a stream.
func (p *Push) UnmarshalJSON(raw []byte) error {
	w, err := order(raw)
	*p = Push{w.ConfigID, string(w.TargetURI), string(w.LocalStreamName), string(w.TargetStreamName),
		w.KeepAlive, w.variables, w.Status.Current.Code, w.Status.Current.UniqueStreamID}
	return err
}

// UnmarshalJSON decodes an order of listConfig, of an answer or of a stream.
func (r *Recording) UnmarshalJSON(raw []byte) error {
	w, err := order(raw)
	*r = Recording{
		ConfigID: w.ConfigID, LocalStreamName: string(w.LocalStreamName), PathToFile: string(w.PathToFile),
		ComputedPathToFile: string(w.ComputedPathToFile), Type: string(w.Type), Chunked: w.ChunkLength != nil,
		Overwrite: w.Overwrite, KeepAlive: w.KeepAlive, Variables: w.variables,
		Status: w.Status.Current.Code, StreamID: w.Status.Current.UniqueStreamID,
	}
	if r.Chunked {
		r.ChunkLength = *w.ChunkLength
	}
	return err
}

// UnmarshalJSON decodes an order of listConfig.
func (o *Output) UnmarshalJSON(raw []byte) error {
	w, err := order(raw)
	*o = Output{w.ConfigID, string(w.LocalStreamName), string(w.GroupName), string(w.TargetFolder),
		string(w.GroupTargetFolder)}
	return err
}

// UnmarshalJSON decodes the answer to listConfig: a list for each kind of order. It ignores kinds
// that it does not know.
func (c *Config) UnmarshalJSON(raw []byte) error {
	var lists map[string]json.RawMessage
	if err := json.Unmarshal(raw, &lists); err != nil {
		return err
	}
	*c = Config{Outputs: make(map[media.Format][]Output)}
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		if err := c.add(strings.ToLower(name), lists[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// add decodes one list.
func (c *Config) add(name string, list []byte) error {
	switch name {
	case "pull":
		return json.Unmarshal(list, &c.Pull)
	case "push":
		return json.Unmarshal(list, &c.Push)
	case "record":
		return json.Unmarshal(list, &c.Record)
	case "process":
		return json.Unmarshal(list, &c.Process)
	}
	for _, f := range media.Formats() {
		if media.EMS.Traits(f).API.List == name {
			var orders []Output
			err := json.Unmarshal(list, &orders)
			if len(orders) > 0 {
				c.Outputs[f] = orders
			}
			return err
		}
	}
	return nil
}

// UnmarshalJSON decodes a timer; the value of one that fires at a time of day is a text.
func (t *Timer) UnmarshalJSON(raw []byte) error {
	var w struct {
		TimerID      uint32
		TriggerCount int
		Value        json.RawMessage
	}
	if err := json.Unmarshal(raw, &w); err != nil {
		return err
	}
	*t = Timer{ID: w.TimerID, Triggered: w.TriggerCount}
	if len(w.Value) > 0 && w.Value[0] != '"' {
		if err := json.Unmarshal(w.Value, &t.Seconds); err != nil {
			return err
		}
	}
	return t.Variables.UnmarshalJSON(raw)
}
