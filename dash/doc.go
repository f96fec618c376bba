// Package dash rewrites Media Presentation Descriptions (MPDs) of DASH (ISO/IEC 23009-1): it
// continues one over the runs of its writer. All bytes that need no change are kept, also what it
// does not know. An MPD in which nothing has to change is the writer's own.
//
// It is pure: it does no I/O, needs no clock, and changes no argument. Package media tells what an
// MPD names, for the order of uploads; this package is only for those that are published in other
// words than the writer's.
//
// A writer that starts again begins at time 0, with another availabilityStartTime, and gives its
// names to other content. Players stop at that. [Continue] keeps what they rely on:
//
//   - availabilityStartTime is that of the first run, for good. Each run is a Period of its own, and
//     begins where its run did: a Period's start never changes, and the next one's is no earlier than
//     the end of the media before it.
//   - The id of a Period is unique. That of a later run is the writer's and the run's name, so that an
//     MPD tells which runs it has.
//   - The names of a later run's segments have the run's name in front, if the bucket has them there.
//     Then the Periods of former runs stay, until the run drops its first segment, and for a minute.
//   - A run's media never get shorter.
//   - A player that has come to the end of a Period waits no longer than the writer was away: see seam.go.
package dash
