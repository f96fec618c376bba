package emswriter

import (
	"fmt"
	"path/filepath"
	"strings"
)

// manifest returns the text of manifest.ismc. What EMS takes from the stream is as in the
// recordings: 320x180, one audio channel of 44.1 kHz.
func (s *MSS) manifest() string {
	bitrates, url := []int{s.bitrate()}, filepath.Base(s.Dir)+"/%s/{bitrate}"
	if len(s.Bitrates) > 0 {
		bitrates, url = s.Bitrates, "{bitrate}/%s"
	}
	var video, audio strings.Builder
	for _, b := range bitrates {
		fmt.Fprintf(&video, ismcVideo, b)
		fmt.Fprintf(&audio, ismcAudio, b)
	}
	return fmt.Sprintf(ismc,
		s.video.listed, fmt.Sprintf(url, "video"), video.String()+s.video.list(),
		s.audio.listed, fmt.Sprintf(url, "audio"), audio.String()+s.audio.list())
}

// list returns the elements of the listed chunks.
func (t mssTrack) list() string {
	var b strings.Builder
	for _, c := range t.timed {
		fmt.Fprintf(&b, "            <c d=\"%d\" n=\"%d\" t=\"%d\"/>\n", c.lasts.Milliseconds(), c.number, c.at.Milliseconds())
	}
	return b.String()
}

// Its arguments are for video and audio how many chunks there have been, the beginning of their
// paths, and the bitrates with the listed chunks. EMS says QualityLevels="1" of any number.
const ismc = `<?xml version="1.0" encoding="utf-8"?>
    <SmoothStreamingMedia DVRWindowLength="0" Duration="0" IsLive="TRUE" LookAheadFragmentCount="2" MajorVersion="2" MinorVersion="0" TimeScale="1000">
        <StreamIndex Chunks="%[1]d" QualityLevels="1" Type="video" Url="%[2]s/{start_time}.fmp4">
%[3]s        </StreamIndex>
        <StreamIndex Chunks="%[4]d" QualityLevels="1" Type="audio" Url="%[5]s/{start_time}.fmp4">
%[6]s        </StreamIndex>
    </SmoothStreamingMedia>`

const (
	ismcVideo = `            <QualityLevel Bitrate="%d" CodecPrivateData="000000016742c00cda05067e7c0440000003004000000ca3c50aa80000000168ce3c80" FourCC="H264" Index="0" MaxHeight="180" MaxWidth="320" NALUnitLengthField="4"/>
`
	ismcAudio = `            <QualityLevel AudioTag="255" Bitrate="%d" BitsPerSample="16" Channels="1" CodecPrivateData="120856e500" Index="0" PacketSize="4" SamplingRate="44100"/>
`
)
