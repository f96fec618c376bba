package config

import (
	"time"

	"ems-sidecar/media"
)

// keys returns the keys of [S3], and those that only the section of a format has.
func (u *Upload) keys() []key {
	keys := append(u.Access.keys(), u.objects()...)
	keys = append(keys, u.Headers.keys()...)
	keys = append(keys,
		one("writer", &u.Writer, oneOf(AutoWriter, EMSWriter, GenericWriter), `
			Which program writes the files. ems: EMS. generic: another one, such as ffmpeg, nginx-rtmp or
			GStreamer. A stream that starts again then gives the names of its chunks to new ones, except
			names with a time in them. So caches may keep a chunk for 2 seconds only, and the playlist goes
			on without the chunks of before. auto: the names of the chunks tell, for each directory. HDS,
			MSS and recordings are always EMS's.`),
		one("backlog", &u.Backlog, oneOf(UploadBacklog, SkipBacklog), `
			What happens to chunks that are deleted before they are uploaded, as in a long outage, when no
			playlist names them any more. upload uploads them later than what viewers see. skip leaves
			them out, which is right for streams that no one rewinds.`),
		one("delete", &u.Delete, oneOf(Keep, Mirror), `
			What happens to objects whose file is deleted. keep leaves all of them in the bucket. mirror
			deletes an object delete_delay after its file, but nothing that a manifest in the bucket
			names: of a removed folder, the manifests go first. An object stays if its file is deleted
			while the daemon does not run, or if the whole directory or disk is gone. mirror needs
			s3:DeleteObject. Recordings always stay, since no server deletes them, and in their section mirror
			is an error.`),
		one("delete_delay", &u.DeleteDelay, duration(0, 7*24*time.Hour), `
			With delete = mirror: how long after its file an object is deleted.`),
		one("manifest_interval", &u.ManifestInterval, duration(0, time.Hour), `
			The least time between two versions of one playlist. 0: each version is published. Cloudflare
			R2 accepts one write per object and second: set 1s there.`).usuallyMilliseconds(50),
		one("reconnect_window", &u.ReconnectWindow, duration(0, time.Hour), `
			HLS and DASH: how long a stream that stopped may take to return. Servers end the playlist when an
			encoder drops, and start another one when it returns. Each of the two stops players for good. So
			the end waits for this time. A stream that returns before goes on in the same playlist, with
			EXT-X-DISCONTINUITY. One target duration comes on top, for its first chunk. In EvoStream's
			DASH, each run is a Period of the same MPD, and its chunks are published in a directory that is
			called as the run began: .../20261130T091500Z/segment_0.m4s. So they are never replaced. 0:
			playlists, MPDs and names are published as they are written. The credentials need s3:GetObject:
			at the start, the daemon reads from the bucket what players have.`),
		one("archive", &u.Archive, boolean, `
			HLS: whether the hours of each stream are listed beside it, and the whole broadcast when it has
			ended: <stream>/archive/<start>/playlist.m3u8. Nothing is copied: they name the chunks where
			they are, which stay then, also with delete = mirror. The playlists cost less than 1 % of the
			chunks' bytes. It needs s3:GetObject and s3:ListBucket.`),
		one("archive_keep", &u.ArchiveKeep, days(3650), `
			HLS: how long archives and clips stay after they were put last. Then their playlists are
			deleted, and with delete = mirror the chunks that nothing names any more. It needs
			s3:DeleteObject. 0: for good.`),
		one("dvr", &u.DVR, duration(0, 24*time.Hour), `
			HLS: how much of a live stream a second playlist lists, <stream>/dvr.m3u8, in which players may
			go back. It is put with each version of the live one: 2 hours of chunks of 2 s are some 150 kB
			each time. Its chunks stay as long as it names them. 0: there is none.`),
		one("split_ranges", &u.SplitRanges, boolean, `
			HLS: for writers that put a stream into one file that grows, and list byte ranges of it, as
			ffmpeg does with single_file and EMS with useByteRange=1. S3 cannot append, so that such a
			stream is published when its file is closed. on uploads each range as an object of its own,
			and publishes the playlist with these instead, while the stream is live. The file itself is
			not uploaded then.`),
		one("run_prefix", &u.RunPrefix, boolean, `
			HLS: for writers whose names come back after a restart, such as ffmpeg with its default names: on
			publishes the files of each run in a directory that is called as its first chunk was written,
			<stream>/20261130T091500.123Z/index0.ts, and the playlist with these names. So nothing is ever
			replaced: caches keep chunks for a year, and after a restart the playlist lists chunks of both
			runs. A chunk is uploaded when a playlist names it, or else a minute later. Names with EMS's time
			in them, playlists with byte ranges and directories of which DASH has the same files stay as
			they are. It needs s3:GetObject, and does not go with split_ranges.`),
		one("public_url", &u.PublicURL, publicURLs, `
			HLS and DASH: for writers that name files by whole addresses: the address at which players find
			the watched directory, such as https://cdn.example.com/live/. An address in a playlist that
			begins with it means the file below the directory: http and https are the same, and it may be
			without the scheme, or without the host. Of several, separated by blanks, the longest counts.
			All other addresses are other hosts' then. Without it, an address means the file that is called
			so beside the playlist or below.`).empty("none").such("https://cdn.example.com/live/"),
		one("rewrite_urls", &u.RewriteURLs, boolean, `
			HLS and DASH: on publishes playlists and MPDs with relative references instead of whole addresses
			of the stream's own files, so that they play from any host. All else in them stays as it is.`),
		one("stale_after", &u.StaleAfter, timeOrOff(duration(0, 7*24*time.Hour)), `
			HLS: how old the newest chunk of a live playlist may be. A playlist whose server or host died is in
			the bucket for good, and answers 200: no CDN and no player turns to another origin. With a time
			here, it is ended or removed then, and returns with the next chunk. Not a stream that the server has
			ended, and never because the upload lags. off: playlists stay.`),
		one("when_stale", &u.WhenStale, oneOf(EndStale, RemoveStale), `
			With stale_after: end publishes the playlist with its end. remove deletes the object, so that
			it answers 404, and keeps what it had under its name and .withdrawn, so that its numbers go on
			when it returns; it needs s3:DeleteObject.`),
	)
	keys = append(keys, one("absent_variants", &u.AbsentVariants, oneOf(KeepAbsent, RemoveAbsent), `
		HLS: what happens to variants that a master playlist lists and that are never written, such as
		those that are switched off. For 30 seconds it waits for them; then it is published without
		waiting, if another variant can be played. keep publishes it as it is written. remove takes
		those variants out of it, and publishes it again when one comes.`))
	return append(keys, u.own()...)
}

// objects are the keys that say where objects go.
func (u *Upload) objects() []key {
	return []key{
		one("default_bucket", &u.Bucket, optional(bucket), `
			The bucket. It must exist. Required, here or in each section that publishes.`).
			known().shownSet("ems-files"),
		one("prefix", &u.Prefix, prefix, `
			The beginning of each object's name. Objects are called prefix/group/stream/file, as below the
			watched directory.`).empty("none"),
	}
}

func (a *Access) keys() []key {
	return []key{
		one("aws_access_key", &a.AccessKey, optional(word), `
			The name of the credentials, such as AKIA…. Set it with its secret, or neither.`).
			known().empty("the credentials come from the environment, the AWS profile or the machine's IAM role"),
		one("aws_secret_key", &a.SecretKey, secret, `
			The secret that belongs to aws_access_key.`).hidden().known().
			empty("as aws_access_key, or from aws_secret_key_file"),
		one("aws_secret_key_file", &a.SecretKeyFile, secret, `
			Instead of aws_secret_key: a file that holds the secret and nothing else, such as one that
			systemd provides through LoadCredential (/run/credentials/ems-sidecar.service/s3). It is read
			again when the store refuses a request.`).hidden().empty("none"),
		one("region", &a.Region, optional(region), `
			The region of the bucket.`).empty("from the environment or the AWS profile"),
		one("endpoint", &a.Endpoint, optional(endpoint), `
			The URL of a store other than AWS, such as https://minio.example.com:9000. Leave out the
			bucket, which some providers show in the URL.`).empty("AWS"),
		one("path_style", &a.PathStyle, pointer(boolean), `
			Whether the bucket is in the path (https://host/bucket/key) and not in the host's name
			(https://bucket.host/key).`).empty("on with an endpoint, off without").such("on"),
		one("sign_payload", &a.SignPayload, oneOf(SignAuto, SignOn, SignOff), `
			Whether the signature of a request covers its content, in addition to the checksum of each
			PUT. auto signs the content without TLS, except to a store on the same host, and if the store
			demands it.`),
	}
}

func (h *Headers) keys() []key {
	const cached = `recordings and chunks whose names never come back may be cached for a year: those of HLS, and of
		EvoStream's DASH with a reconnect_window; other chunks for 2 seconds: their names return with new content
		when a stream comes back, or they are changed once more`
	return []key{
		one("acl", &h.ACL, optional(oneOf("private", "public-read", "public-read-write", "authenticated-read",
			"aws-exec-read", "bucket-owner-read", "bucket-owner-full-control")), `
			A canned ACL for each object.`).
			empty("none is sent, as buckets need it that have ACLs disabled; new ones on AWS do"),
		// Stores other than AWS have classes of their own.
		one("storage_class", &h.StorageClass, optional(word), `
			The storage class, such as STANDARD_IA.`).empty("the bucket's own"),
		one("server_side_encryption", &h.ServerSideEncryption, optional(oneOf("AES256", "aws:kms", "aws:kms:dsse")), `
			Encryption by the store.`).empty("as the bucket is set").such("aws:kms"),
		one("kms_key_id", &h.KMSKeyID, optional(word), `
			The key for aws:kms and aws:kms:dsse.`).empty("the account's default key"),
		one("cache_control_chunk", &h.CacheControlChunk, headerText, `
			The Cache-Control header of chunks. Do not have HDS chunks cached for longer than the default, nor
			DASH chunks with reconnect_window = 0, unless your streams never come back under their old
			names.`).empty(cached),
		one("cache_control_manifest", &h.CacheControlManifest, headerText, `
			The Cache-Control header of manifests.`).empty("they may be cached for half their target duration"),
	}
}

// own are the keys that [S3] does not have.
func (u *Upload) own() (keys []key) {
	if u.Format == 0 {
		return nil
	}
	dirs := many("watch_dir", &u.WatchDirs, u.watchDir, `
		The directory into which the streams are written, such as EMS's targetFolder of
		create`+u.Format.String()+`Stream. Required, except beside EMS, which says where it writes.
		Sections of different formats may watch the same one.`).
		empty("what EMS says: see [EMS]").such("/var/www/live")
	if u.Format.IsRecorded() {
		dirs.about = `
			The directory of the recordings. No other section may watch it. If it lies in a directory of
			another section, only this section publishes it.`
		dirs = dirs.empty("file_location of [StreamRecorder], or without that, what EMS says").
			such("/var/lib/recordings")
	}
	dirs.about += " A reload applies which directories these are, but not a change between some and none."
	dirs.preset = u.Format == media.HLS
	keys = append(keys, dirs)
	if u.Format.HasBootstraps() {
		keys = append(keys, one("bootstrap", &u.Bootstrap, fileName, `
			The name of the file that lists a stream's fragments. Change it only if EMS was told another
			one.`).known())
	}
	if !u.Format.IsRecorded() {
		keys = append(keys, one("include", &u.Include, patterns, `
			Which files beside the media are published although no manifest names them, such as posters,
			subtitles and .json files: patterns like *.jpg or posters/*.png, separated by blanks. One with a
			slash is about the path below the watched directory, others are about names. A file is uploaded
			once it is closed, and again when it was changed; it may be cached for 10 seconds. Keys
			(*.key) are never published for a pattern.`).empty("none").such("*.jpg *.json"))
	}
	if u.Format.IsRecorded() {
		keys = append(keys,
			one("delete_local", &u.DeleteLocal, afterUpload, `
				after_upload deletes a recording from the disk when its object has the same size and
				checksum. The daemon's user needs the right to delete there, and its unit a line with
				ReadWritePaths=. off deletes nothing.`).yesNo("after_upload", "off"),
			one("delete_local_after", &u.DeleteLocalAfter, duration(0, 366*24*time.Hour), `
				With delete_local = after_upload: how long after its upload the file is deleted.`))
	}
	return keys
}
