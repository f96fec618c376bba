// Package media tells what a streaming server's files are: of which kind a name is, with which
// content type it is served, and which other files a manifest names.
//
// It has two tables. That of formats (format.go) has what the specifications say of HLS, HDS, DASH
// and MSS. That of a [Writer] has what one program does where they leave it open. For a new format,
// add a row to each, and a function that reads its manifests.
//
// The package opens no file and no connection.
package media
