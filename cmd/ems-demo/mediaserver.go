package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"

	"ems-sidecar/emsapi"
	"ems-sidecar/emsapi/emstest"
	"ems-sidecar/media"
)

// mediaServers simulate EMS. The encoder publishes to the first one, which writes the live output.
// The daemon's load balancer has the second one pull the stream. They have EMS's API and events,
// and no media. A nil *mediaServers is none.
type mediaServers struct {
	first, second *emstest.Server // second is nil where there is one loopback address only
	events        string          // host:port at which the daemon takes events
	published     *emstest.Published
}

// secondAddress is a loopback address. Linux always has it.
const secondAddress = "127.0.0.2"

func startMediaServers(ctx context.Context, root string, outputs []output) (m *mediaServers, err error) {
	m = &mediaServers{}
	if m.events, err = freeAddress(); err != nil {
		return nil, err
	}
	network := emstest.NewNetwork()
	m.first = emstest.New(emstest.Settings{Network: network, Sink: "http://" + m.events + "/evowebservices/"})
	if err := m.first.Start(); err != nil {
		return nil, fmt.Errorf("media server: %w", err)
	}
	second := emstest.New(emstest.Settings{Network: network, Address: secondAddress})
	if second.Start() == nil { // without it, the demo does not balance
		m.second = second
	}
	api, err := emsapi.New(emsapi.Settings{URL: m.first.URL()})
	if err != nil {
		return nil, err
	}
	for _, o := range outputs {
		r := emsapi.OutputRequest{
			LocalStreamName: streamName, TargetFolder: root, GroupName: groupName,
			PlaylistType: "rolling", KeepAlive: true,
		}
		if _, err := api.CreateOutput(ctx, o.layout.Format, r); err != nil {
			m.close()
			return nil, fmt.Errorf("media server: %w", err)
		}
	}
	if m.published, err = m.first.Publish(streamName, emstest.Publisher{}); err != nil {
		m.close()
		return nil, err
	}
	return m, nil
}

// closing posts the event of a chunk.
func (m *mediaServers) closing(root, key string, f media.Format) {
	if m == nil {
		return
	}
	file := filepath.Join(root, filepath.FromSlash(key))
	m.first.Emit(media.EMS.Traits(f).API.ChunkClosed, map[string]any{"file": file})
}

// introduce tells the person who runs the demo where the servers are.
func (m *mediaServers) introduce(out io.Writer) {
	if m == nil {
		return
	}
	fmt.Fprintf(out, "ems     %s (the API of the simulated media server)\n", m.first.URL())
	if m.second != nil {
		fmt.Fprintf(out, "second  %s (the API of a second one, to which the load balancer sends each stream)\n", m.second.URL())
	}
}

func (m *mediaServers) close() {
	if m == nil {
		return
	}
	m.first.Close()
	if m.second != nil {
		m.second.Close()
	}
}

// freeAddress returns an address at which no program listens now.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
