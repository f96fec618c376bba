package emsapi

import (
	"strings"

	"ems-sidecar/media"
)

// Version is what the server says of itself.
type Version struct {
	Banner        string
	ReleaseNumber string // such as "1.7.0"
	BuildNumber   string
	CodeName      string
}

// Variables are what someone gave to a command under names that begin with "_", without that: the
// server keeps them and gives them back, as strings. Of a list, the elements stand with commas
// between them.
type Variables map[string]string

// ConnectionType says what a stream goes over.
type ConnectionType int

// The connection types. Others are outputs to files.
const (
	Plain  ConnectionType = iota // a publisher or a player
	Pulled                       // by a pullStream of this server
	Pushed                       // by a pushStream of this server
)

// A Stream is one of listStreams, or the subject of a stream event. Times are in milliseconds.
type Stream struct {
	ID                uint32 // uniqueId, which counts from the server's start
	Name              string // the bytes as the server has them: any, chosen by the publisher
	Type              string // INR: inbound RTMP, ONR: outbound RTMP, OFMP4: output to an mp4 file, and others
	ConnectionType    ConnectionType
	ProcessID         int64
	CreationTimestamp float64 // since 1970
	UpTime            float64
	FarIP, NearIP     string // empty for outputs to files
	FarPort, NearPort int
	UserAgent         string
	Bytes             uint64 // of audio and video so far
	Audio, Video      Feed
	InStreamID        uint32   // outbound: the stream that it comes from; 0: not known yet
	Outputs           []uint32 // inbound: the outbound streams that come from it

	// At most one of these is not nil.
	Pull   *Pull
	Push   *Push
	Record *Recording
}

// A Feed is the audio or the video of a stream, as far as the server has received it.
type Feed struct {
	Codec   string // such as AAAC or VH264; AUNK and VUNK before the first packet
	Packets uint64
}

// Inbound reports whether the stream comes into the server from elsewhere, and not from a file of
// it.
func (s *Stream) Inbound() bool {
	return strings.HasPrefix(s.Type, "I") && !strings.HasPrefix(s.Type, "IF")
}

// Status is how far the server got with a config.
type Status int

// The status codes.
const (
	Streaming        Status = 0
	Connecting       Status = 1
	WaitingForStream Status = 2
	Connected        Status = 3
	Disconnected     Status = 4
	ConnectionFailed Status = 5
)

// A Pull is a standing order to fetch a stream from elsewhere.
type Pull struct {
	ConfigID        uint32
	URI             string
	LocalStreamName string
	KeepAlive       bool
	Variables       Variables
	Status          Status // of listConfig
	StreamID        uint32 // of listConfig: the stream that it has now; 0: none
}

// A Push is a standing order to send a stream elsewhere.
type Push struct {
	ConfigID         uint32
	TargetURI        string
	LocalStreamName  string
	TargetStreamName string // empty: LocalStreamName
	KeepAlive        bool
	Variables        Variables
	Status           Status
	StreamID         uint32
}

// A Recording is a standing order to record a stream into files. That of a DASH init segment, which
// the server reports as one, has ConfigID 0.
type Recording struct {
	ConfigID           uint32
	LocalStreamName    string
	PathToFile         string
	ComputedPathToFile string // with the extension
	Type               string // mp4, ts or flv
	ChunkLength        int    // seconds; 0: one file
	Chunked            bool   // the answer has chunkLength at all: older servers do not know it
	Overwrite          bool
	KeepAlive          bool
	Variables          Variables
	Status             Status
	StreamID           uint32
}

// An Output is a standing order to write a stream to disk in a live format.
type Output struct {
	ConfigID          uint32
	LocalStreamName   string
	GroupName         string
	TargetFolder      string // of this stream
	GroupTargetFolder string
}

// A Process is a standing order to run a program, such as a transcoder.
type Process struct {
	ConfigID  uint32
	Binary    string
	Arguments string
	GroupName string
	KeepAlive bool
	Variables Variables
	Status    Status
	Targets   []string // a transcode's: the streams of this server that it makes
}

// Config is what listConfig lists.
type Config struct {
	Pull    []Pull
	Push    []Push
	Record  []Recording
	Outputs map[media.Format][]Output // without formats that have none
	Process []Process
}

// A Timer fires each time that Seconds have passed, until it is removed. Timers end with the
// server.
type Timer struct {
	ID        uint32
	Seconds   int // 0: at a time of day, which this package does not set
	Triggered int // how often it has fired
	Variables Variables
}
