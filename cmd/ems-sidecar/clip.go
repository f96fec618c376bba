package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"ems-sidecar/admin/api"
)

// clipTimeout is how long a clip may take: a bucket that is slow to answer is asked for each hour.
const clipTimeout = 30 * time.Second

type clipCommand struct {
	configFlag
	JSON   bool   `name:"json" help:"Print the answer of the API."`
	From   moment `required:"" placeholder:"TIME" help:"When it begins: 2026-11-30T04:10:00Z, or how long ago: -10m."`
	To     moment `placeholder:"TIME" help:"When it ends, as from; now, if it is left out."`
	Name   string `placeholder:"NAME" help:"Its name: letters, digits and . _ -; its times, if it is left out."`
	Stream string `arg:"" help:"As status has it, or a part of it; with its format if there are several: hls/news/sport."`
}

// A moment is a time as the API understands it. That of -10m would else be taken for a flag.
type moment string

// Decode implements kong.MapperValue.
func (m *moment) Decode(ctx *kong.DecodeContext) error {
	text := ctx.Scan.Pop().String()
	if text == "" || strings.HasPrefix(text, "-") && (len(text) < 2 || text[1] < '0' || text[1] > '9') {
		return fmt.Errorf("needs a time, such as -10m or 2026-11-30T04:10:00Z, and not %q", text)
	}
	*m = moment(text)
	return nil
}

// Run has the daemon make a clip, and prints where it is.
func (c clipCommand) Run(ctx context.Context, s surroundings) error {
	client, id, err := c.changing(ctx, c.Stream)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, clipTimeout)
	defer cancel()
	made, err := client.Clip(ctx, id, api.ClipRequest{From: string(c.From), To: string(c.To), Name: c.Name})
	if err != nil {
		return fmt.Errorf("no clip is made: %s", printable(err.Error()))
	}
	if c.JSON {
		encoder := json.NewEncoder(s.stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(made)
	}
	seams := ""
	if made.Seams > 0 {
		seams = fmt.Sprintf(", with %d seams", made.Seams)
	}
	_, err = fmt.Fprintf(s.stdout, "%s in the bucket %s\n%d segments from %s to %s%s\n", printable(made.Key),
		made.Bucket, made.Segments, made.From.Format(time.RFC3339), made.To.Format(time.RFC3339), seams)
	return err
}
