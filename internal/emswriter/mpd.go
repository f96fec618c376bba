package emswriter

import (
	"fmt"
	"path/filepath"
	"strings"
)

// manifest returns the text of manifest.mpd. What EMS takes from the stream is as in the
// recordings: 320x180, 25 frames per second (EMS says 39), one audio channel of 44.1 kHz.
func (s *DASH) manifest() string {
	stream := filepath.Base(s.Dir)
	return fmt.Sprintf(mpd, s.started.UTC().Format("2006-01-02T15:04:05Z"),
		stream, s.bitrate(), timeline(s.video.timed), timeline(s.audio.timed))
}

func timeline(chunks []chunk) string {
	const indent = "                    "
	if len(chunks) == 0 {
		return indent + "<SegmentTimeline/>"
	}
	var b strings.Builder
	b.WriteString(indent + "<SegmentTimeline>\n")
	for _, c := range chunks {
		fmt.Fprintf(&b, indent+"    <S d=\"%d\" t=\"%d\"/>\n", c.lasts.Milliseconds(), c.at.Milliseconds())
	}
	b.WriteString(indent + "</SegmentTimeline>")
	return b.String()
}

// Its arguments are the time of the start, the stream, the bitrate, and the timelines of video and
// audio.
const mpd = `<?xml version="1.0" encoding="utf-8"?>
<MPD
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
xsi:schemaLocation="urn:mpeg:DASH:schema:MPD:2011"
type="dynamic"
xmlns="urn:mpeg:dash:schema:mpd:2011"
profiles="urn:mpeg:dash:profile:isoff-live:2011"
minBufferTime="PT10S"
minimumUpdatePeriod="PT5S"
timeShiftBufferDepth="PT10M"
suggestedPresentationDelay="PT10S"
availabilityStartTime="%[1]s">
    <Period id="rms-dash" start="PT0S">
        <AdaptationSet maxFrameRate="3000" maxHeight="1080" maxWidth="1920" par="16:9" segmentAlignment="true" startWithSAP="0">
            <ContentComponent contentType="video" id="1"/>
            <Representation bandwidth="%[3]d" codecs="avc1.42c01e" frameRate="39" height="180" id="%[2]sVideo%[3]d" mimeType="video/mp4" sar="1:1" width="320">
                <SegmentTemplate initialization="%[2]s/video/%[3]d/seg_init.mp4" media="%[2]s/video/%[3]d/segment_$Time$.m4s" timescale="1000">
%[4]s
                </SegmentTemplate>
            </Representation>
        </AdaptationSet>
        <AdaptationSet lang="en" segmentAlignment="true" startWithSAP="0">
            <ContentComponent contentType="audio" id="2"/>
            <Representation audioSamplingRate="44100" bandwidth="%[3]d" codecs="mp4a.40.2" id="%[2]sAudio%[3]d" mimeType="audio/mp4">
                <AudioChannelConfiguration schemeIdUri="urn:mpeg:dash:23003:3:audio_channel_configuration:2011" value="1"/>
                <SegmentTemplate initialization="%[2]s/audio/%[3]d/seg_init.mp4" media="%[2]s/audio/%[3]d/segment_$Time$.m4s" timescale="1000">
%[5]s
                </SegmentTemplate>
            </Representation>
        </AdaptationSet>
    </Period>
</MPD>
`
