// Package archive makes the playlists that outlive a live one: those of its hours, of the whole
// broadcast, of clips, and the one in which viewers may go back. They name the chunks where they are.
//
// It is told which versions of a live playlist were published, and says which playlists are to be put
// and what is in them. It does no I/O. Package uploader reads and writes the bucket.
package archive
