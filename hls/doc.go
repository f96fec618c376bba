// Package hls rewrites HLS Media Playlists: it continues one over the runs of its writer, holds its
// end back, marks gaps, cuts parts out and changes URIs. Tags are kept byte for byte, also those
// that it does not know. A playlist in which nothing has to change is the writer's own bytes.
//
// It is pure: it does no I/O, is told the time where it needs it, and changes no argument. Package
// media tells what a playlist names, for the order of uploads; this package is only for playlists
// that are published in other words than the writer's.
//
// [Continue] keeps what a live playlist promises its players (RFC 8216, section 6.2.2):
//
//   - A segment keeps its number and its discontinuity number for as long as it is listed. Both
//     sequences, the target duration and the version never fall.
//   - Before a new run stands its seam: the tail of the former runs, and EXT-X-DISCONTINUITY, more
//     than once if other variants have counted more. Where the tail cannot stay, the numbers go on
//     all the same.
//   - A rolling list keeps its length, and three target durations of media at least. When the run
//     drops its first segment, the tail leaves. An appending list keeps all.
//   - Keys, the map, the time and byte ranges are stated again where segments that had stated them are
//     not listed any more. A segment that is decrypted with its number gets its old one as IV.
//     EXT-X-BITRATE is only a hint, and is not.
//
// A playlist that was continued has a comment with what cannot be told from the rest:
//
//	## ems-sidecar offset=7 run=8
//
// Its segments have the writer's number plus offset, and those before number 8 are the tail.
package hls
