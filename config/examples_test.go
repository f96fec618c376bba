package config_test

import (
	"errors"
	"fmt"

	"ems-sidecar/config"
)

// A config with one section publishes one format. What it does not set has its default.
func ExampleParse() {
	cfg, err := config.Parse("config.ini", []byte(`
[S3]
default_bucket = 'ems-files'
prefix = live

[AmazonHLSUpload]
watch_dir = /var/lib/ems/media ; the targetFolder of createHLSStream
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, u := range cfg.Uploads {
		fmt.Println(u.Section, "publishes", u.Format, "from", u.WatchDirs[0], "to", u.Bucket+"/"+u.Prefix)
	}
	fmt.Println("workers:", cfg.Upload.Workers)
	// Output:
	// AmazonHLSUpload publishes HLS from /var/lib/ems/media to ems-files/live/
	// workers: 128
}

// All mistakes of a file are in one error, each with its line and what would be right.
func ExampleParse_mistakes() {
	_, err := config.Parse("config.ini", []byte(`[S3]
default_bucket = s3://ems-files
[AmazonHLSUpload]
wach_dir = /var/lib/ems/media
delete = mirrror
`))
	var mistakes *config.Error
	if errors.As(err, &mistakes) {
		fmt.Println(len(mistakes.Problems), "mistakes:")
	}
	fmt.Println(err)
	// Output:
	// 3 mistakes:
	// config.ini:2: [S3] default_bucket = "s3://ems-files": must be a bucket's name alone, not a URL: write ems-files
	// config.ini:4: [AmazonHLSUpload] wach_dir: unknown key (did you mean watch_dir?)
	// config.ini:5: [AmazonHLSUpload] delete = "mirrror": must be keep or mirror (did you mean mirror?)
}

// A secret is shown by Reveal alone.
func ExampleSecret() {
	password := config.Secret("hunter2")
	fmt.Printf("%s %q %x %v\n", password, password, password, struct{ P config.Secret }{password})
	fmt.Println(password.Reveal())
	// Output:
	// *** "***" *** {***}
	// hunter2
}
