package config

import (
	"strings"
	"time"

	"ems-sidecar/media"
)

// Deletion says what happens to an object whose file EMS deletes.
type Deletion string

// What delete may be.
const (
	Keep   Deletion = "keep"
	Mirror Deletion = "mirror"
)

// Backlog says what happens to chunks that EMS deletes before they are uploaded, when no playlist
// names them any more.
type Backlog string

// What backlog may be.
const (
	UploadBacklog Backlog = "upload"
	SkipBacklog   Backlog = "skip"
)

// WhenStale says what happens to a playlist that is stale.
type WhenStale string

// What when_stale may be.
const (
	EndStale    WhenStale = "end"
	RemoveStale WhenStale = "remove"
)

// AbsentVariants says what happens to variants that a master playlist lists and no one writes.
type AbsentVariants string

// What absent_variants may be.
const (
	KeepAbsent   AbsentVariants = "keep"
	RemoveAbsent AbsentVariants = "remove"
)

// Writer says which program writes the files.
type Writer string

// What writer may be.
const (
	AutoWriter    Writer = "auto"
	EMSWriter     Writer = "ems"
	GenericWriter Writer = "generic"
)

// Signing says whether the signature of a request covers its content.
type Signing string

// What sign_payload may be.
const (
	SignAuto Signing = "auto"
	SignOn   Signing = "on"
	SignOff  Signing = "off"
)

// Upload is one section that publishes, with what [S3] sets for all of them.
type Upload struct {
	Section   string // as the file has it
	word      string // of the section's name; see ID
	Format    media.Format
	WatchDirs []string // absolute and clean
	Bootstrap string   // HDS: the name of the bootstrap file
	Include   string   // patterns of files that are published although no manifest names them
	PublicURL string   // HLS, DASH: where players find WatchDirs: addresses, separated by blanks
	Writer    Writer

	Bucket string
	Prefix string // empty, or with a slash at its end and none at its beginning
	Access
	Headers

	ManifestInterval time.Duration // the least time between two versions of one manifest
	ReconnectWindow  time.Duration // HLS, DASH: so long a stream that stopped may take to return
	StaleAfter       time.Duration // HLS: so old a live playlist is ended or removed; 0: never
	WhenStale        WhenStale
	AbsentVariants   AbsentVariants // HLS
	Backlog          Backlog
	Archiving
	Retention
}

// Access says how the store is reached.
type Access struct {
	AccessKey string // empty, with SecretKey: the SDK's default chain
	SecretKey Secret
	// SecretKeyFile is the path of the file that holds SecretKey. It is hidden, because someone may
	// have put the secret itself here.
	SecretKeyFile Secret
	Region        string // empty: the SDK's default chain
	Endpoint      string // empty: AWS
	PathStyle     *bool  // nil: path style when an endpoint is set
	SignPayload   Signing
}

// Headers are sent with each object. Those that are empty are not sent, or for CacheControl…, are
// chosen by the kind of file.
type Headers struct {
	ACL                  string
	StorageClass         string
	ServerSideEncryption string
	KMSKeyID             string
	CacheControlChunk    string
	CacheControlManifest string
}

// Archiving says what is listed of HLS for longer than the server lists it.
type Archiving struct {
	Archive     bool          // the hours of each stream
	ArchiveKeep time.Duration // for how long, and clips; 0: for good
	DVR         time.Duration // a second live playlist of so much; 0: none
	SplitRanges bool          // byte ranges become objects of their own
	RunPrefix   bool          // files whose names may come back get the name of their run in front
	RewriteURLs bool          // and DASH: addresses of the streams' own files become relative
}

// Retention says when objects and files are deleted.
type Retention struct {
	Delete      Deletion // of objects; recordings: Keep
	DeleteDelay time.Duration

	DeleteLocal      bool          // recordings: delete the file when its object has the same checksum
	DeleteLocalAfter time.Duration // how long after the upload
}

// heir returns the section of that name, with u, which is [S3], as its defaults.
func (u Upload) heir(name sectionName) Upload {
	u.Format, u.Section, u.word = name.format, name.written, name.word
	return u
}

// check reports what an enabled section lacks, and reads its secret from the file that holds it.
func (u *Upload) check(d *decoder) {
	if u.Bucket == "" && !d.wrong("S3", "default_bucket") {
		d.bad(u.Section, "default_bucket", "", "is missing: set it here or in [S3]")
	}
	u.checkRunPrefix(d)
	if u.KMSKeyID != "" && !strings.HasPrefix(u.ServerSideEncryption, "aws:kms") {
		d.bad(u.home(d, "kms_key_id"), "kms_key_id", u.KMSKeyID, "needs server_side_encryption = aws:kms")
	}
	// EMS deletes no recordings. An operator does, or this daemon once the bucket has them.
	if u.Format.IsRecorded() && u.Delete == Mirror {
		u.Delete = Keep
		if d.sets(u.Section, "delete") {
			d.bad(u.Section, "delete", string(Mirror),
				"does not apply to recordings, whose objects stay when the files are deleted: remove it")
		}
	}
	u.checkCredentials(d)
	u.doubtEndpoint(d)
}

// home returns the section that sets a key: this one or [S3].
func (u *Upload) home(d *decoder, key string) string {
	if !d.sets(u.Section, key) && d.sets("S3", key) {
		return "S3"
	}
	return u.Section
}

// checkRunPrefix reports what cannot be together with run_prefix.
func (u *Upload) checkRunPrefix(d *decoder) {
	if !u.RunPrefix || u.Format != media.HLS {
		return
	}
	const key = "run_prefix"
	switch {
	case u.SplitRanges:
		d.bad(u.home(d, key), key, "on", "cannot be together with split_ranges = on, whose names never come back: set one "+
			"of the two to off in ["+u.Section+"]")
	case u.Writer == EMSWriter:
		d.bad(u.home(d, key), key, "on", "does nothing with writer = ems, as the names of EMS's chunks never come back: "+
			"set it to off in ["+u.Section+"]")
	}
}
