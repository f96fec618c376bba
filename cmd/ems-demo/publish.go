package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"ems-sidecar/media"
)

// A publication says what goes where.
type publication struct {
	Root      string // the watched directory
	Endpoint  string // of the S3 server, an http URL
	Bucket    string
	AccessKey string
	SecretKey string
	Log       *slog.Logger
}

// publish puts what is written below the root into the bucket until the context ends. It returns
// when it has drained.
//
// PLACEHOLDER: a naive uploader, to be replaced by the daemon's own code.
func publish(ctx context.Context, p publication) error {
	client := s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(p.Endpoint), UsePathStyle: true,
		Credentials:                credentials.NewStaticCredentialsProvider(p.AccessKey, p.SecretKey, ""),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
	})
	done := make(map[string]string)
	put := func(key string, body []byte) {
		if done[key] == string(body) {
			return
		}
		_, err := client.PutObject(context.WithoutCancel(ctx), &s3.PutObjectInput{
			Bucket: &p.Bucket, Key: &key, Body: bytes.NewReader(body),
			ContentType: aws.String(media.HLSKind(key).ContentType), CacheControl: aws.String("max-age=2"),
		})
		if err != nil {
			p.Log.Warn("put failed", "key", key, "error", err)
			return
		}
		done[key] = string(body)
	}
	pass := func() {
		for _, key := range []string{playlistKey, masterKey} {
			text, err := os.ReadFile(filepath.Join(p.Root, key))
			if err != nil || done[key] == string(text) || key == masterKey && done[playlistKey] == "" {
				continue
			}
			playlist, err := media.ParsePlaylist(text)
			if err != nil {
				continue
			}
			time.Sleep(20 * time.Millisecond)
			for _, r := range playlist.References {
				chunk := path.Join(path.Dir(key), r.URI)
				if body, err := os.ReadFile(filepath.Join(p.Root, chunk)); err == nil && path.Ext(chunk) == ".ts" {
					put(chunk, body)
				}
			}
			put(key, text)
		}
	}
	for ctx.Err() == nil {
		pass()
		sleep(ctx, 50*time.Millisecond)
	}
	pass()
	return nil
}
