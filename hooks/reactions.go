package hooks

import "ems-sidecar/hooks/events"

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

// Reactions has all types of events that are of use here.
var reactions = []struct {
	typ  events.Type
	does reaction
}{
	{"inStreamCreated", looks},
	{"inStreamClosed", looks},
	{"outStreamCreated", looksIfOurs},
	{"outStreamClosed", looksIfOurs},
	{"serverStarted", looks},
	{"timerTriggered", looks},
	{"audioFeedStopped", looksAtFeeds},
	{videoFeedStopped, looksAtFeeds},
	{"hlsChunkClosed", hints},
	{"hdsChunkClosed", hints},
	{"dashChunkClosed", hints},
	{"mssChunkClosed", hints},
	{"recordChunkClosed", hints},
	{"hlsMasterPlaylistUpdated", hints},
	{"hlsChildPlaylistUpdated", hints},
	{"hdsMasterPlaylistUpdated", hints},
	{"hdsChildPlaylistUpdated", hints},
	{"dashPlaylistUpdated", hints},
	{"mssPlaylistUpdated", hints},
}

// reactionTo returns what Handle does with events of a type.
func reactionTo(typ events.Type) reaction {
	for _, r := range reactions {
		if r.typ == typ {
			return r.does
		}
	}
	return ignored
}

// EventTypes returns the types of events that Handle does something with.
func EventTypes() (types []events.Type) {
	for _, r := range reactions {
		types = append(types, r.typ)
	}
	return types
}

// Wanted reports whether Handle does something with events of this type.
func Wanted(typ events.Type) bool { return reactionTo(typ) != ignored }
