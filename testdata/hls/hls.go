// Package hls holds recorded output of an EvoStream Media Server: the files of one rolling HLS
// stream, as its group directory had them. The stream has an H.264 test picture (320x180, 25
// frames per second, a key frame every 2 s) and an AAC tone in chunks of 4 s; the chunks follow
// each other without a gap.
package hls

import "embed"

// Files is the group directory: its master playlist, and below live1 the stream's playlist and
// the ten chunks segment_1795334975196_9.ts to segment_1795334975196_18.ts.
//
//go:embed playlist.m3u8 live1
var Files embed.FS
