package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

// Backlog says what happens to chunks that EMS deletes, and no playlist names any more, before they are uploaded.
type Backlog string

// What backlog may be.
const (
	UploadBacklog Backlog = "upload"
	SkipBacklog   Backlog = "skip"
)

// Signing says whether the signatures of requests cover their content.
type Signing string

// What sign_payload may be.
const (
	SignAuto Signing = "auto"
	SignOn   Signing = "on"
	SignOff  Signing = "off"
)

// S3 sets bounds to the parts of a multipart upload; each is at least this large, except for the last.
const (
	minPartSize = 5 << 20
	maxPartSize = 5 << 30
)

// Upload is one Amazon… section over the defaults of [S3].
type Upload struct {
	Section   string
	Format    media.Format
	WatchDirs []string // absolute and clean
	Bootstrap string   // HDS: the name of the bootstrap file

	AccessKey string // empty, with SecretKey: the SDK's default chain
	SecretKey Secret
	Region    string // empty: the SDK's default chain
	Endpoint  string // empty: AWS
	PathStyle *bool  // nil: path style when an endpoint is set

	SignPayload          Signing
	Bucket               string
	Prefix               string // empty, or ends with a slash and does not begin with one
	ACL                  string // empty: none is sent, as with the three below
	StorageClass         string
	ServerSideEncryption string
	KMSKeyID             string
	CacheControlChunk    string // empty: by kind of file, as with the next
	CacheControlManifest string

	Backlog          Backlog
	Delete           Deletion // recordings: Keep
	DeleteDelay      time.Duration
	ManifestInterval time.Duration // the least time between two versions of one manifest

	DeleteLocal      bool          // recordings: delete a file that the bucket holds, compared by size and checksum
	DeleteLocalAfter time.Duration // and how long after it was uploaded

	SecretKeyFile Secret // the path of the file that holds SecretKey; hidden, because a secret may have got here by mistake
}

// heir returns the section of a format with u, which is [S3], as its defaults.
func (u Upload) heir(f media.Format) Upload {
	u.Format, u.Section = f, f.Section()
	return u
}

// keys returns the keys of [S3], and those that a section of a format has beyond them.
func (u *Upload) keys() []key {
	keys := []key{
		one("aws_access_key", &u.AccessKey, optional(word)),
		one("aws_secret_key", &u.SecretKey, secret).hidden(),
		one("aws_secret_key_file", &u.SecretKeyFile, secret).hidden(),
		one("region", &u.Region, optional(region)),
		one("endpoint", &u.Endpoint, optional(endpoint)),
		one("path_style", &u.PathStyle, pointer(boolean)),
		one("sign_payload", &u.SignPayload, oneOf(SignAuto, SignOn, SignOff)),
		one("default_bucket", &u.Bucket, optional(bucket)),
		one("prefix", &u.Prefix, prefix),
		one("acl", &u.ACL, optional(oneOf("private", "public-read", "public-read-write", "authenticated-read",
			"aws-exec-read", "bucket-owner-read", "bucket-owner-full-control"))),
		// Stores other than AWS have classes of their own.
		one("storage_class", &u.StorageClass, optional(word)),
		one("server_side_encryption", &u.ServerSideEncryption, optional(oneOf("AES256", "aws:kms", "aws:kms:dsse"))),
		one("kms_key_id", &u.KMSKeyID, optional(word)),
		one("cache_control_chunk", &u.CacheControlChunk, headerText),
		one("cache_control_manifest", &u.CacheControlManifest, headerText),
		one("backlog", &u.Backlog, oneOf(UploadBacklog, SkipBacklog)),
		one("delete", &u.Delete, oneOf(Keep, Mirror)),
		one("delete_delay", &u.DeleteDelay, duration(0, 7*24*time.Hour)),
		one("manifest_interval", &u.ManifestInterval, duration(0, time.Hour)).usuallyMilliseconds(50),
	}
	if u.Format != 0 {
		keys = append(keys, many("watch_dir", &u.WatchDirs, u.watchDir))
	}
	if u.Format.HasBootstraps() {
		keys = append(keys, one("bootstrap", &u.Bootstrap, fileName))
	}
	if u.Format.IsRecorded() {
		keys = append(keys, one("delete_local", &u.DeleteLocal, afterUpload),
			one("delete_local_after", &u.DeleteLocalAfter, duration(0, 366*24*time.Hour)))
	}
	return keys
}

// watchDir parses one more directory of this section.
func (u *Upload) watchDir(value string) (string, string) {
	dir, want := directoryPath(value)
	if want != "" {
		return "", want
	}
	for _, other := range u.WatchDirs {
		switch {
		case dir == other:
			return "", "is listed twice in this section: its files would be published twice"
		case inside(dir, other):
			return "", "lies in " + other + ", which this section watches, too: its files would be published twice"
		case inside(other, dir):
			return "", "contains " + other + ", which this section watches, too: its files would be published twice"
		}
	}
	return dir, ""
}

func inside(dir, parent string) bool {
	rel, err := filepath.Rel(parent, dir)
	return err == nil && rel != "." && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// check reports what an enabled section lacks, and takes its secret from the file that holds it.
func (u *Upload) check(d *decoder) {
	if u.Bucket == "" && !d.wrong("S3", "default_bucket") {
		d.bad(u.Section, "default_bucket", "", "is missing: set it here or in [S3]")
	}
	if u.KMSKeyID != "" && !strings.HasPrefix(u.ServerSideEncryption, "aws:kms") {
		d.bad(u.home(d, "kms_key_id"), "kms_key_id", u.KMSKeyID, "needs server_side_encryption = aws:kms")
	}
	// EMS never deletes recordings: an operator does, or this daemon, when the bucket has them.
	if u.Format.IsRecorded() && u.Delete == Mirror {
		u.Delete = Keep
		if d.sets(u.Section, "delete") {
			d.bad(u.Section, "delete", string(Mirror), "does not go with recordings, whose objects stay when the files are deleted: remove it")
		}
	}
	u.checkCredentials(d)
	u.doubtEndpoint(d)
}

// checkRecordings gives the recordings' section its default directory, and reports one that another section
// watches, too: a name alone does not tell a recording from a chunk.
func (u *Upload) checkRecordings(d *decoder, r Recorder, others []Upload) {
	if len(u.WatchDirs) == 0 && r.FileLocation != "" {
		dir, want := directoryPath(r.FileLocation)
		if want != "" {
			d.bad("StreamRecorder", "file_location", r.FileLocation, "is no path of this host, so that ["+u.Section+
				"] needs watch_dir: the directory as this host sees it")
			return
		}
		u.WatchDirs = []string{dir}
	}
	for _, dir := range u.WatchDirs {
		for _, other := range others {
			if slices.Contains(other.WatchDirs, dir) {
				d.bad(u.Section, "watch_dir", dir, "is watched by ["+other.Section+"], too: recordings need a directory of their own")
			}
		}
	}
}

// checkSpool reports a spool that would be watched itself: what is linked into it would be linked again, and uploaded.
func (p *Pool) checkSpool(d *decoder, uploads []Upload) {
	for _, u := range uploads {
		for _, dir := range u.WatchDirs {
			rel, err := filepath.Rel(dir, p.SpoolDir)
			if p.SpoolDir == "" || err != nil || rel != "." && !inside(p.SpoolDir, dir) {
				continue
			}
			hidden := slices.ContainsFunc(strings.Split(rel, string(filepath.Separator)), func(name string) bool {
				return len(name) > 1 && name[0] == '.'
			})
			if !hidden {
				d.bad("Upload", "spool_dir", p.SpoolDir, "lies in the watch_dir "+dir+" of ["+u.Section+
					"], and would be uploaded itself: leave it empty, or let a name below that directory begin with a dot")
				return
			}
		}
	}
}

// home returns the section from which a key's value comes: this one or [S3].
func (u *Upload) home(d *decoder, key string) string {
	if !d.sets(u.Section, key) && d.sets("S3", key) {
		return "S3"
	}
	return u.Section
}

// checkCredentials settles from where the secret comes: each section may have it in one of two ways,
// and its own wins over [S3]'s either way.
func (u *Upload) checkCredentials(d *decoder) {
	path := u.SecretKeyFile
	u.SecretKeyFile = ""
	const name, inline, file = "aws_access_key", "aws_secret_key", "aws_secret_key_file"

	from := "S3"
	if d.sets(u.Section, inline) || d.sets(u.Section, file) {
		from = u.Section
	}
	if d.fills(from, inline) && d.fills(from, file) {
		d.bad(from, file, shownPath(path.Reveal()), "cannot stand beside "+inline+": remove one of the two")
		return
	}
	secretKey := inline
	if d.fills(from, file) {
		secretKey = file
		var want string
		if u.SecretKey, want = readSecret(path.Reveal()); want != "" {
			d.bad(from, file, shownPath(path.Reveal()), want)
			return
		}
		u.SecretKeyFile = path
	} else if !d.sets(from, inline) {
		u.SecretKey = "" // an empty file name takes back what [S3] has
	}

	// One half from here and one from a whole pair in [S3] do not belong together.
	if s3 := d.fills("S3", name) && (d.fills("S3", inline) || d.fills("S3", file)); s3 && from == "S3" && d.sets(u.Section, name) {
		d.bad(u.Section, name, u.AccessKey, "is half a pair: set "+inline+" in this section, too")
		return
	} else if s3 && from != "S3" && !d.sets(u.Section, name) {
		d.bad(u.Section, secretKey, mask, "is half a pair: set "+name+" in this section, too")
		return
	}
	d.pair(half{u.home(d, name), name, u.AccessKey != ""}, half{from, secretKey, u.SecretKey != ""})
}

// ReadSecretKey reads the file that holds the secret again, which may have been changed since.
func (u Upload) ReadSecretKey() (string, error) {
	secret, want := readSecret(u.SecretKeyFile.Reveal())
	if want != "" {
		return "", errors.New("aws_secret_key_file " + want)
	}
	return secret.Reveal(), nil
}

// awsSecret is the form of a secret of AWS.
var awsSecret = regexp.MustCompile(`^[A-Za-z0-9/+]{40}$`)

// shownPath returns the path of a file that holds a secret as a message may have it. Somebody may have put the
// secret itself there.
func shownPath(path string) string {
	if !filepath.IsAbs(path) || awsSecret.MatchString(path) {
		return mask
	}
	return path
}

// readSecret never names the file.
func readSecret(path string) (content Secret, want string) {
	raw, err := os.ReadFile(path)
	if err != nil {
		var pathError *fs.PathError
		if errors.As(err, &pathError) {
			err = pathError.Err
		}
		return "", "must be the path of a readable file: " + err.Error()
	}
	content = Secret(strings.TrimSpace(string(raw)))
	if content == "" || strings.ContainsFunc(content.Reveal(), control) {
		return "", "must be the path of a file that holds the secret and nothing else"
	}
	return content, ""
}
