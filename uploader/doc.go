// Package uploader puts the files of live streams into a bucket. Its order ensures that no viewer
// meets a manifest that names a missing object.
//
// Its Sources are told which files are closed. One goroutine asks package publish what to do, and a
// pool of workers does it through a Store. The package knows nothing of how files are watched.
package uploader
