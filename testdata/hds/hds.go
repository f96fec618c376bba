// Package hds holds recorded output of an EvoStream Media Server: fragments of one rolling HDS
// stream, as its directory had them. The stream has an H.264 test picture (320x180, 25 frames per
// second, a key frame every 2 s) and an AAC tone. The fragments last about 4.5 s; EMS does not cut
// them at key frames.
package hds

import "embed"

// Files has, below live1, the fragments f4vSeg1-Frag10 to f4vSeg1-Frag16. The first of them begins
// with a key frame, and so did the one after the last: they are 16 whole groups of pictures, 32 s.
//
//go:embed live1
var Files embed.FS
