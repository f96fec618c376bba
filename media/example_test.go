package media_test

import (
	"fmt"

	"ems-sidecar/media"
)

// A layout tells what the names below a watched directory mean, and reads manifests.
func ExampleLayout() {
	hls := media.Layout{Format: media.HLS}
	const playlist = "g/live1/playlist.m3u8"
	fmt.Println(hls.Stream(playlist), hls.Kind(playlist).ContentType)

	m, err := hls.Parse(playlist, []byte("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-TARGETDURATION:4\n"+
		"#EXTINF:4,\n7.ts\n#EXTINF:4,\n8.ts?session=1\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("segments", m.Sequence, "to", m.Last, "of about", m.TargetDuration)
	for r := range m.References() {
		fmt.Printf("%s may be %q\n", r.URI, media.NewNames("g/live1", media.RootAddresses{}).All(r.URI))
	}
	// Output:
	// g/live1 application/vnd.apple.mpegurl
	// segments 7 to 8 of about 4s
	// 7.ts may be ["g/live1/7.ts"]
	// 8.ts?session=1 may be ["g/live1/8.ts?session=1" "g/live1/8.ts"]
}

// What a media server does with the files of a format is not in the format: caches may keep chunks
// whose names never come back, and must not keep others for long.
func ExampleWriter() {
	for _, f := range []media.Format{media.HLS, media.HDS, media.Recording} {
		fmt.Printf("%-9s %-10s names stay: %v\n", f, f.Section(), !media.EMS.Traits(f).ReusesNames)
	}
	// Output:
	// HLS       HLS        names stay: true
	// HDS       HDS        names stay: false
	// recording Recordings names stay: true
}
