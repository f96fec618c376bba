package hooks

import (
	"ems-sidecar/hooks/events"
	"ems-sidecar/media"
)

// A reaction is what Handle does with events of one type.
type reaction uint8

const (
	ignored      reaction = iota
	looks                 // the server is compared with the config
	looksIfOurs           // the same, if the outbound stream is of an order of ours or of the group
	looksAtFeeds          // the same, if the resetter wants to know
	hints                 // the uploader is told of the file
)

const videoFeedStopped events.Type = "videoFeedStopped"

// A response is the reaction to one type of event.
type response struct {
	typ  events.Type
	does reaction
}

// responses has all types of events that are of use here.
var responses = append([]response{
	{"inStreamCreated", looks},
	{"inStreamClosed", looks},
	{"outStreamCreated", looksIfOurs},
	{"outStreamClosed", looksIfOurs},
	{"serverStarted", looks},
	{"timerTriggered", looks},
	{"audioFeedStopped", looksAtFeeds},
	{videoFeedStopped, looksAtFeeds},
}, hinting()...)

// hinting returns the responses to events that name files: those of all formats, chunks first.
func hinting() []response {
	var chunks, manifests []response
	for _, f := range media.Formats() {
		api := media.EMS.Traits(f).API
		if api.ChunkClosed != "" {
			chunks = append(chunks, response{events.Type(api.ChunkClosed), hints})
		}
		for _, typ := range api.ManifestUpdated {
			manifests = append(manifests, response{events.Type(typ), hints})
		}
	}
	return append(chunks, manifests...)
}

// reactionTo returns what Handle does with events of a type.
func reactionTo(typ events.Type) reaction {
	for _, r := range responses {
		if r.typ == typ {
			return r.does
		}
	}
	return ignored
}

// EventTypes returns the types of events that Handle does something with.
func EventTypes() (types []events.Type) {
	for _, r := range responses {
		types = append(types, r.typ)
	}
	return types
}

// Wanted reports whether Handle does something with events of this type.
func Wanted(typ events.Type) bool { return reactionTo(typ) != ignored }
