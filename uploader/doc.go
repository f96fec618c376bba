// Package uploader puts the files of live streams into a bucket, in an order in which no viewer meets a
// manifest that names an object which is not there yet. It is told, through its Sources, which files are closed,
// asks package publish what is to be done, in one goroutine, and has a pool of workers do it
// through a Store. It knows nothing of how files are watched.
package uploader
