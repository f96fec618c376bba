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
	both.Wait()
	r.Objects = chunks.Objects
	if r.Err == nil {
		r.Err = chunks.Err
	}
	r.OnDisk = map[string]bool{}
	for _, f := range r.Listing {
		if _, there := r.Objects[f.Key]; !there && src.exists(f.Path) {
			r.OnDisk[f.Path] = true
		}
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
