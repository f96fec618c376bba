package daemon

import (
	"context"
	"path"
	"slices"
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
// played. What may be a recording is not: those can lie below the same prefix.
func (s *state) playable(bucket, key string) (*section, media.Kind) {
	if s.config().Admin.Player != config.PlayerDaemon || path.Clean("/"+key) != "/"+key || s.isRecording(bucket, key) {
		return nil, media.Kind{}
	}
	for _, section := range s.sections.list() {
		if section.isOn() && section.Format == media.HLS && section.hasPlaceFor(bucket, key) {
			return section, section.layout.Kind(key)
		}
	}
	return nil, media.Kind{}
}

// isRecording reports whether a section of recordings may have published the key.
func (s *state) isRecording(bucket, key string) bool {
	return slices.ContainsFunc(s.sections.list(), func(section *section) bool {
		return section.Format.IsRecorded() && section.hasPlaceFor(bucket, key)
	})
}

// hasPlaceFor reports whether the section publishes what is called so.
func (s *section) hasPlaceFor(bucket, key string) bool {
	return s.Bucket == bucket && strings.HasPrefix(key, s.Prefix) && s.layout.Kind(key).Role != media.OtherFile
}
