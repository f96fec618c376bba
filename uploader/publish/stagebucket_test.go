package publish_test

import (
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

// An ending is how a job ends.
type ending struct {
	failure publish.Failure
	file    publish.FileFailure
	applied bool // although there is no answer
	late    bool // there were two requests, and one had no answer
}

// endings are the words for it in a story.
var endings = map[string]ending{
	"":                          {},
	"no answer":                 {failure: publish.NoAnswer},
	"no answer, but it is done": {failure: publish.NoAnswer, applied: true},
	"the other has no answer":   {late: true},
	"not done":                  {failure: publish.NotDone},
	"refused":                   {failure: publish.Refused},
	"bucket refused":            {failure: publish.BucketRefused},
	"file gone":                 {file: publish.FileGone},
	"file changed":              {file: publish.FileChanged},
	"file unreadable":           {file: publish.FileUnreadable},
}

// object is what the bucket has of p in the version on the disk.
func (s *stage) object(v media.Version) publish.ObjectInfo {
	return publish.ObjectInfo{Size: v.Size, ModTime: v.ModTime, Stored: s.now, Host: s.settings.Host, Root: "/root"}
}

// done ends the i-th job in flight.
func (s *stage) done(i int, how ending) {
	j := s.flights[i]
	s.flights = slices.Delete(s.flights, i, i+1)
	r := publish.Result{Job: j.Job, FileFailure: max(how.file, j.failure), Failure: how.failure}
	if v := s.disk[j.Path]; j.Task == publish.PutChunk && v.Inode == j.Version.Inode && !v.Equal(j.Version) {
		r.FileFailure = publish.FileChanged
	}
	if r.FileFailure == publish.NoFileFailure && (how.failure == publish.NoFailure || how.applied) {
		s.apply(j.Job, &r)
	}
	for i := range r.Removals {
		r.Removals[i].Failure = how.failure
	}
	if how.late {
		r.Race, r.Late = publish.SecondWins, true
	}
	s.schedule.Done(r, s.now)
}

// open is what a worker finds when it opens the file of j.
func (s *stage) open(j publish.Job) publish.FileFailure {
	v, there := s.disk[j.Path]
	if !there {
		v, there = s.spool[j.Path]
	}
	switch {
	case j.Task != publish.PutChunk:
	case !there:
		return publish.FileGone
	case !v.Equal(j.Version):
		return publish.FileChanged
	}
	return publish.NoFileFailure
}

// apply does what j asks for, and answers.
func (s *stage) apply(j publish.Job, r *publish.Result) {
	o, there := s.objects[j.Key]
	var found *publish.ObjectInfo
	if there {
		found = &o
	}
	switch j.Task {
	case publish.PutChunk:
		s.objects[j.Key] = s.object(j.Version)
	case publish.PutManifest:
		i := s.object(media.Version{})
		i.Sum = j.Manifest.Sum
		s.objects[j.Key], s.texts[j.Key] = i, j.Manifest.Bytes
	case publish.Withdraw:
		s.texts[j.Key+" withdrawn"] = j.Manifest.Bytes
		delete(s.objects, j.Key)
		delete(s.texts, j.Key)
	case publish.Look:
		r.Found = found
	case publish.FindKey:
		r.Claim = publish.Claim{Path: j.Path, State: publish.Free, Version: j.Version}
		if found.Holds(j.Version) {
			r.Claim.State, r.Claim.Stored = publish.Ours, o.Stored
		}
	case publish.Compare:
		r.Same = found.Holds(j.Version)
	case publish.List, publish.Verify:
		r.Found = found
		if j.Recall && there && o.Sum != j.Known {
			r.Content = s.texts[j.Key]
		}
		if j.Recall && !there {
			r.Content = s.texts[j.Key+" withdrawn"]
		}
		r.Objects, r.OnDisk = map[string]publish.ObjectInfo{}, map[string]bool{}
		for _, l := range j.Listing {
			i, there := s.objects[l.Key]
			if there {
				i.ModTime = time.Time{} // a listing does not tell
				r.Objects[l.Key] = i
			}
			_, r.OnDisk[l.Path] = s.disk[l.Path]
		}
	case publish.Discard:
		if r.Same = found.Holds(j.Version); r.Same {
			delete(s.disk, j.Path)
		}
	case publish.Delete:
		for i := range r.Removals {
			rm := &r.Removals[i]
			rm.Finding = publish.Deleted
			if _, there := s.disk[rm.Path]; there {
				rm.Finding = publish.Undecided
				continue
			}
			delete(s.objects, rm.Key)
		}
	case publish.ReadManifests:
		r.Surveyed, r.ArchivesRead = j.Survey.Dirs, j.Survey.Streams
	}
	if s.applied != nil {
		s.applied(j)
	}
}

// bucketHas puts what the disk has of p into the bucket. A manifest is put with the content of
// another writer.
func (s *stage) bucketHas(p, host string) {
	src := s.sourceOf(p)
	i := s.object(s.disk[p])
	if host != "" {
		i.Host = host
	}
	if src.layout.Kind(p).Role == media.ManifestFile {
		i.Sum = strings.Repeat(hex.EncodeToString([]byte{byte(len(host))}), 32)
		s.texts[src.dest.Prefix+p] = []byte("<html>")
	}
	s.objects[src.dest.Prefix+p] = i
}
