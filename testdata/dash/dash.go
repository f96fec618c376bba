// Package dash holds recorded output of an EvoStream Media Server: chunks of one rolling DASH
// stream, as its group directory had them. The stream has an H.264 test picture (320x180, 25 frames
// per second, a key frame every 2 s) and an AAC tone, each in chunks of about 4 s that follow each
// other.
package dash

import "embed"

// Files has, below live1/video/198000 and live1/audio/198000, the init segments and the ten newest
// whole chunks: video from segment_32119.m4s to segment_68273.m4s, and audio from segment_32136.m4s
// to segment_68290.m4s.
//
//go:embed live1
var Files embed.FS
