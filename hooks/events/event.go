package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"ems-sidecar/emsapi"
)

// A Type is what the media server calls a kind of event, such as inStreamCreated.
type Type string

// An Event is one of the media server's notifications. What it does not have is zero.
type Event struct {
	ID        uint64 // counts from the server's start
	ProcessID int64
	Timestamp int64 // seconds since 1970
	Type      Type
	Stream    emsapi.Stream // of stream events: the subject
	StreamID  uint32        // the stream's uniqueId
	Name      string        // the stream's name: the bytes as the server has them
	File      string        // of chunk and playlist events: the absolute path, as the server says it

	size int // bytes of the request
}

// Decode decodes one notification: as the JSON, XML or XML-RPC that it looks like, or else as
// contentType says. It is as lenient as the server's serializers ask for: control bytes and invalid
// UTF-8 are kept, and what is unknown is ignored. Errors do not tell the content, which may have
// credentials in it.
func Decode(contentType string, body []byte) (Event, error) {
	body = bytes.TrimLeft(body, " \t\r\n\xef\xbb\xbf")
	if isXML(contentType, body) {
		var err error
		if body, err = fromXML(body); err != nil {
			return Event{}, err
		}
	} else {
		body = emsapi.Lenient(body)
	}
	var w struct {
		ID        uint64
		ProcessID int64
		Timestamp float64
		Type      emsapi.Text
		Payload   json.RawMessage
	}
	if err := json.Unmarshal(body, &w); err != nil {
		return Event{}, fmt.Errorf("not an event: %w", private(err))
	}
	if w.Type == "" {
		return Event{}, errors.New("not an event: it has no type")
	}
	e := Event{ID: w.ID, ProcessID: w.ProcessID, Timestamp: int64(w.Timestamp), Type: Type(w.Type)}
	if len(w.Payload) == 0 || w.Payload[0] != '{' {
		return e, nil
	}
	return e, e.fill(w.Payload)
}

func isXML(contentType string, body []byte) bool {
	if len(body) > 0 && (body[0] == '<' || body[0] == '{') {
		return body[0] == '<'
	}
	return strings.Contains(strings.ToLower(contentType), "xml")
}

// fill takes what is needed out of the payload.
func (e *Event) fill(payload []byte) error {
	var w struct {
		ID, StreamID                uint32
		UniqueID                    *uint32
		Name, LocalStreamName, File emsapi.Text
	}
	if err := json.Unmarshal(payload, &w); err != nil {
		return fmt.Errorf("payload of %.40s: %w", e.Type, private(err))
	}
	e.Name, e.File = string(w.Name), string(w.File)
	if e.Name == "" {
		e.Name = string(w.LocalStreamName)
	}
	e.StreamID = w.ID
	if e.StreamID == 0 {
		e.StreamID = w.StreamID
	}
	if w.UniqueID == nil {
		return nil
	}
	e.StreamID = *w.UniqueID
	if err := json.Unmarshal(payload, &e.Stream); err != nil {
		return fmt.Errorf("stream of %.40s: %w", e.Type, private(err))
	}
	return nil
}

// private is err without what it may cite of the content.
func private(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("broken JSON at byte %d", syntax.Offset)
	case errors.As(err, &kind):
		return fmt.Errorf("%s is not a %s", kind.Field, kind.Type)
	}
	return errors.New("a value is not of its type")
}
