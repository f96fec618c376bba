package uploader

import (
	"context"
	"sync"

	"ems-sidecar/uploader/publish"
)

// verify asks what the bucket has under the key of the job's manifest, and which chunks of its
// listing it has.
func (src *Source) verify(ctx context.Context, r *publish.Result) {
	chunks := publish.Result{Job: r.Job, Objects: map[string]publish.ObjectInfo{}}
	var both sync.WaitGroup
	both.Go(func() { src.findAll(ctx, &chunks) })
	src.look(ctx, r)
	src.recall(ctx, r)
	both.Wait()
	r.Objects = chunks.Objects
	if r.Err == nil {
		r.Err = chunks.Err
	}
	r.OnDisk = map[string]bool{}
	for _, f := range r.Listing {
		if _, there := r.Objects[f.Key]; !there && src.has(f.Path) {
			r.OnDisk[f.Path] = true
		}
	}
}

// recall reads what the bucket has of the job's manifest, if that is to be continued.
func (src *Source) recall(ctx context.Context, r *publish.Result) {
	key := r.Key
	switch {
	case !r.Recall || r.Err != nil || r.Untold:
		return
	case r.Found == nil && src.dest.WhenStale == publish.RemoveStale:
		key += withdrawn
	case r.Found == nil || r.Found.Sum != "" && r.Found.Sum == r.Known:
		return
	}
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	content, found, err := src.store(ctx).Read(ctx, key, src.mostOf(r.Path))
	switch {
	case err != nil:
		r.Err = err
	case found:
		r.Content = src.asPublishedNow(r.Path, content)
	}
}

// findAll asks for the objects of the job's listing. One that the bucket does not tell of counts as
// found.
func (src *Source) findAll(ctx context.Context, r *publish.Result) {
	if len(r.Listing) > publish.AskedSingly {
		src.list(ctx, r)
		return
	}
	for _, f := range r.Listing {
		i, found, err := src.stat(ctx, f.Key)
		if err != nil {
			r.Err = err
			return
		}
		if found || i.Untold {
			r.Objects[f.Key] = i
		}
	}
}
