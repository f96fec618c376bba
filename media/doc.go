// Package media knows what EMS's files are: which kind a name is, under which headers it is served,
// and which other files a manifest names. Its functions are pure: it opens no file and no connection.
package media
