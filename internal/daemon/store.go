package daemon

import (
	"context"
	"log/slog"
	"os"
	"time"

	"ems-sidecar/config"
	"ems-sidecar/internal/trouble"
	"ems-sidecar/uploader/s3store"
)

// OpenStore returns the store of the section u. It makes no request to the bucket. The log is for
// failures that fail no request. The caller closes the store.
func OpenStore(ctx context.Context, u config.Upload, pool config.Pool, log *slog.Logger) (*s3store.Store, error) {
	return openStore(ctx, u, pool, log, trouble.New(log, time.Now))
}

func openStore(ctx context.Context, u config.Upload, pool config.Pool, log *slog.Logger,
	reporter *trouble.Reporter) (*s3store.Store, error) {
	settings := s3store.Settings{
		Bucket: u.Bucket,
		Address: s3store.Address{
			Region:      u.Region,
			Endpoint:    u.Endpoint,
			PathStyle:   u.PathStyle,
			Connections: pool.Workers + pool.BulkWorkers,
		},
		Credentials: s3store.Credentials{AccessKey: u.AccessKey, SecretKey: u.SecretKey.Reveal()},
		Objects: s3store.Objects{
			ACL:                  u.ACL,
			StorageClass:         u.StorageClass,
			ServerSideEncryption: u.ServerSideEncryption,
			KMSKeyID:             u.KMSKeyID,
			Host:                 hostname(),
		},
		SignPayload:   s3store.Signing(u.SignPayload),
		PartSize:      pool.PartSize,
		MinThroughput: pool.MinThroughput,
		Log:           log,
		Trouble:       reporter,
	}
	if u.SecretKeyFile != "" {
		settings.Credentials.ReadSecretKey = u.ReadSecretKey
	}
	return s3store.New(ctx, settings)
}

// hostname tells our objects from those of other hosts.
func hostname() string {
	host, _ := os.Hostname() // a host without a name publishes, too
	return host
}
