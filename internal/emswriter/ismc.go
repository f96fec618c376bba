package emswriter

import (
	"fmt"
	"path/filepath"
	"strings"
)

// manifest returns the text of manifest.ismc. What EMS takes from the stream is as in the recordings:
// 320x180, one audio channel of 44.1 kHz.
func (s *MSS) manifest() string {
	return fmt.Sprintf(ismc, filepath.Base(s.Dir), s.bitrate(), s.video.listed, s.video.list(), s.audio.listed, s.audio.list())
}

// list returns the elements of the listed chunks.
func (t mssTrack) list() string {
	var b strings.Builder
	for _, c := range t.timed {
		fmt.Fprintf(&b, "            <c d=\"%d\" n=\"%d\" t=\"%d\"/>\n", c.lasts.Milliseconds(), c.number, c.at.Milliseconds())
	}
	return b.String()
}

// Its arguments are the stream, the bitrate, and for video and audio how many chunks there have been, and
// the listed ones.
const ismc = `<?xml version="1.0" encoding="utf-8"?>
    <SmoothStreamingMedia DVRWindowLength="0" Duration="0" IsLive="TRUE" LookAheadFragmentCount="2" MajorVersion="2" MinorVersion="0" TimeScale="1000">
        <StreamIndex Chunks="%[3]d" QualityLevels="1" Type="video" Url="%[1]s/video/{bitrate}/{start_time}.fmp4">
            <QualityLevel Bitrate="%[2]d" CodecPrivateData="000000016742c00cda05067e7c0440000003004000000ca3c50aa80000000168ce3c80" FourCC="H264" Index="0" MaxHeight="180" MaxWidth="320" NALUnitLengthField="4"/>
%[4]s        </StreamIndex>
        <StreamIndex Chunks="%[5]d" QualityLevels="1" Type="audio" Url="%[1]s/audio/{bitrate}/{start_time}.fmp4">
            <QualityLevel AudioTag="255" Bitrate="%[2]d" BitsPerSample="16" Channels="1" CodecPrivateData="120856e500" Index="0" PacketSize="4" SamplingRate="44100"/>
%[6]s        </StreamIndex>
    </SmoothStreamingMedia>`
