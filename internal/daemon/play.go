package daemon

import (
	"context"
	"strings"

	"ems-sidecar/admin"
	"ems-sidecar/config"
	"ems-sidecar/media"
)

// Object opens an object for the player of the status page, or returns nil if it may not be played:
// only what an HLS section publishes may, and only if the config asks for it.
func (s *state) Object(ctx context.Context, bucket, key, byteRange string) (*admin.Object, error) {
	section, kind := s.playable(bucket, key)
	if section == nil {
		return nil, nil
	}
	content, found, err := section.store.Content(ctx, key, byteRange)
	if err != nil || !found {
		return nil, err
	}
	return &admin.Object{Body: content, Type: kind.ContentType, Size: content.Size, Range: content.Range}, nil
}

// playable returns the section that publishes the key, and what that is, or nil if it is not to be
// played.
func (s *state) playable(bucket, key string) (*section, media.Kind) {
	if s.config().Admin.Player != config.PlayerDaemon {
		return nil, media.Kind{}
	}
	for _, section := range s.sections.list() {
		kind := section.layout.Kind(key)
		if section.Format == media.HLS && section.Bucket == bucket && strings.HasPrefix(key, section.Prefix) &&
			kind.Role != media.OtherFile {
			return section, kind
		}
	}
	return nil, media.Kind{}
}
