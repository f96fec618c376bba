// Package hls rewrites HLS Media Playlists: it continues one over the runs of its writer, holds its
// end back, marks gaps, cuts parts out and changes URIs. Tags are kept byte for byte, also those
// that it does not know. A playlist in which nothing has to change is the writer's own bytes.
//
// It is pure: it does no I/O, knows no time but what it is told, and changes no argument. Package
// media tells what a playlist names, for the order of uploads; this package is only for playlists
// that are published in other words than the writer's.
package hls
