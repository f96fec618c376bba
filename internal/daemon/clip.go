package daemon

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"ems-sidecar/admin/api"
	"ems-sidecar/uploader"
)

// Clip makes a clip of a stream.
func (s *state) Clip(ctx context.Context, id string, r api.ClipRequest) (api.Clip, error) {
	format, key, _ := strings.Cut(id, "/")
	c, err := s.up.Clip(ctx, format, key, uploader.ClipRequest{From: r.From, To: r.To, Name: r.Name})
	for _, known := range []struct {
		err    error
		status int
	}{
		{uploader.ErrNoStream, http.StatusNotFound}, {uploader.ErrWrongClip, http.StatusBadRequest},
		{uploader.ErrClipExists, http.StatusConflict}, {uploader.ErrEnded, http.StatusServiceUnavailable},
	} {
		if errors.Is(err, known.err) {
			return api.Clip{}, &api.Refusal{Status: known.status, Text: err.Error()}
		}
	}
	if err != nil {
		return api.Clip{}, err
	}
	s.log.Info("clip made", "key", c.Key, "bucket", c.Bucket, "segments", c.Segments, "from", c.From, "to", c.To)
	return api.Clip{Name: c.Name, Bucket: c.Bucket, Key: c.Key, From: c.From, To: c.To, Segments: c.Segments,
		Seams: c.Seams}, nil
}
