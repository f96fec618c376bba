package s3store

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Read implements uploader.Store.
func (s *Store) Read(ctx context.Context, key string, most int64) (content []byte, found bool, err error) {
	content, err = within(ctx, requestTime, func(ctx context.Context) ([]byte, error) {
		out, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.settings.Bucket, Key: &key})
		if err != nil {
			return nil, err
		}
		defer out.Body.Close()
		return io.ReadAll(io.LimitReader(out.Body, most+1))
	})
	switch {
	case statusOf(err) == http.StatusNotFound:
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("read %s: %w", key, s.explain("s3:GetObject", err))
	case int64(len(content)) > most:
		return nil, true, nil
	}
	return content, true, nil
}
