// Package hls rewrites HLS Media Playlists: it continues one over the runs of its writer, holds its
// end back, marks gaps, cuts parts out and changes URIs. Tags are kept byte for byte, also those
// that it does not know. A playlist in which nothing has to change is the writer's own bytes.
//
// It is pure: it does no I/O, is told the time where it needs it, and changes no argument. Package
// media reads what a playlist names, and is enough for most. This package is for playlists that are
// published otherwise than the writer wrote them.
//
// A run is what a writer writes from its start to its end. The next run mostly counts its segments
// from 0 again, and a player that has the former one would stop. [Continue] makes one playlist of
// the two, and keeps what a live playlist promises its players (RFC 8216, section 6.2.2):
//
//   - A segment keeps its number and its discontinuity number for as long as it is listed. Both
//     sequences, the target duration and the version never fall.
//   - The last segments of the former runs, the tail, stay listed before those of the new one.
//     EXT-X-DISCONTINUITY is between them: more than once if other variants of the stream have counted
//     more. Where the tail cannot stay, the numbers go on all the same.
//   - A rolling list is as long as the writer's, and has three target durations of media at least. When
//     the run drops its first segment, the tail leaves. An appending list keeps all.
//   - Keys, the map, the time and byte ranges are repeated where the segments before which they stood
//     have left the list. A segment that is decrypted with its number gets its old one as IV.
//     EXT-X-BITRATE is only a hint, and is not repeated.
//
// A playlist that was continued has a comment with what its other lines do not tell:
//
//	## ems-sidecar offset=7 run=8
//
// The number of a segment is that of the writer plus offset. Segments before number 8 are the tail.
package hls
