package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"ems-sidecar/admin/api"
	"ems-sidecar/config"
	"ems-sidecar/uploader/health"
)

const (
	statusTimeout = 5 * time.Second
	watchEvery    = 2 * time.Second
)

type statusCommand struct {
	configFlag
	JSON   bool
	Watch  bool
	Stream string // a part of a directory; empty: all streams
}

func (c *statusCommand) define(p *program) *cobra.Command {
	cmd := c.take(p.command("status", "Print how each stream fares. Exits with 1 if viewers of one suffer.", c.Run))
	cmd.Flags().BoolVar(&c.JSON, "json", false, "Print the answer of the API, /api/v1/streams.")
	cmd.Flags().BoolVar(&c.Watch, "watch", false, "Print it again and again, until it is interrupted.")
	optionalArgument(cmd, &c.Stream, "STREAM", "Only streams with this in their directory, such as news or news/sport.")
	return cmd
}

// Run prints how the streams of the daemon fare. It fails if viewers of one suffer.
func (c *statusCommand) Run(ctx context.Context, s surroundings) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	for {
		err := c.print(ctx, client, s.stdout)
		switch {
		case !c.Watch:
			return err
		case ctx.Err() != nil:
			return nil
		}
		if err != nil && !errors.Is(err, errSaid) {
			fmt.Fprintf(s.stderr, "not connected, as of %s: %v\n", time.Now().Format(time.TimeOnly), printable(err.Error()))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(watchEvery):
		}
	}
}

// print prints the streams once. The error is errSaid if a stream suffers.
func (c statusCommand) print(ctx context.Context, client *api.Client, w io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	answer, err := client.Streams(ctx)
	if err != nil {
		return fmt.Errorf("the daemon cannot be asked: %s (does it run, with this config?)", printable(err.Error()))
	}
	directories, err := client.Directories(ctx)
	if err != nil {
		return fmt.Errorf("the daemon cannot be asked: %s", printable(err.Error()))
	}
	answer.Streams = slices.DeleteFunc(answer.Streams, func(s api.Stream) bool {
		return !strings.Contains(s.Stream,
			c.Stream)
	})
	if c.Stream != "" && len(answer.Streams) == 0 {
		return fmt.Errorf("no stream has %q in its directory", c.Stream)
	}
	var out bytes.Buffer
	if c.Watch && !c.JSON {
		out.WriteString("\x1b[H\x1b[2J") // clears the screen
	}
	if c.JSON {
		encoder := json.NewEncoder(&out)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(answer)
	} else {
		err = table(&out, answer)
		hidden(&out, directories)
	}
	if _, writing := w.Write(out.Bytes()); err == nil {
		err = writing
	}
	if err == nil && slices.ContainsFunc(answer.Streams, func(s api.Stream) bool { return s.State.Suffers() }) {
		err = errSaid
	}
	return err
}

// table writes one line on all streams, and one for each. For a table without colours and borders, the
// standard library is enough. It counts a wide character as one: behind such a name, columns shift.
func table(w io.Writer, answer api.Streams) error {
	fmt.Fprintln(w, summary(answer))
	if len(answer.Streams) == 0 {
		return nil
	}
	rows := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(rows, "STREAM\tFORMAT\tSTATE\tFOR\tCHUNK\tEDGE\tLAG\tBACKLOG\tWHY")
	for _, s := range answer.Streams {
		fmt.Fprintf(rows, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", printable(s.Stream), kindOf(s), s.State,
			ago(&s.Since, answer.At),
			ago(s.Chunk, answer.At), ago(s.Edge, answer.At), time.Duration(s.Lag*float64(time.Second)).Round(time.Millisecond),
			s.Backlog, printable(s.Why))
	}
	return rows.Flush()
}

// kindOf is the format of a stream, or its section, if there may be several of the format.
func kindOf(s api.Stream) string {
	if strings.Contains(s.Section, " ") {
		return s.Section
	}
	return s.Format
}

// hidden writes one line for each directory that cannot be read. It may have streams, or none: it does
// not make the command fail.
func hidden(w io.Writer, answer api.Directories) {
	for _, d := range answer.Directories {
		for _, u := range d.Unseen {
			fmt.Fprintf(w, "cannot read %s: %s, since %s; streams there are not in this list\n", printable(u.Directory),
				printable(u.Why), ago(u.Since, answer.At))
		}
	}
}

// summary says how many streams are in which state, the worst first.
func summary(answer api.Streams) string {
	if len(answer.Streams) == 0 {
		return "no streams"
	}
	counts := make(map[health.State]int)
	for _, s := range answer.Streams {
		counts[s.State]++
	}
	var parts []string
	for _, state := range health.States {
		if n := counts[state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, state))
		}
	}
	return strings.Join(parts, ", ")
}

// ago is for people.
func ago(t *time.Time, now time.Time) string {
	if t == nil {
		return "-"
	}
	d := max(0, now.Sub(*t))
	switch {
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		return d.Round(time.Second).String()
	case d < 48*time.Hour:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// printable keeps names of streams, which publishers choose, from controlling the terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}

// client returns a client of the daemon that runs with the config.
func (f configFlag) client() (*api.Client, error) {
	cfg, err := f.load()
	if err != nil {
		return nil, err
	}
	return adminClient(cfg.Admin)
}

// adminClient returns a client of the daemon that runs with this config, on this host.
func adminClient(cfg config.Admin) (*api.Client, error) {
	if cfg.Listen == "" {
		return nil, usageError{errors.New("the daemon cannot be asked: set listen of [Admin], such as 127.0.0.1:9100")}
	}
	host, port, err := net.SplitHostPort(cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("[Admin] listen: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	if a, err := netip.ParseAddr(host); err == nil && len(cfg.Allow) > 0 &&
		!slices.ContainsFunc(cfg.Allow, func(p netip.Prefix) bool { return p.Contains(a) }) {
		return nil, fmt.Errorf("the daemon cannot be asked from this host: allow[] of [Admin] leaves out %s; add it", a)
	}
	transport := &http.Transport{} // no proxy: it is this host
	client := &api.Client{URL: "http://" + net.JoinHostPort(host, port), Token: cfg.Token.Reveal(),
		HTTP: &http.Client{Transport: transport}}
	if cfg.TLSCert != "" {
		client.URL = "https" + strings.TrimPrefix(client.URL, "http")
		pair, err := tls.LoadX509KeyPair(cfg.TLSCert, cfg.TLSKey)
		if err != nil {
			return nil, fmt.Errorf("tls_cert and tls_key of [Admin]: %w", err)
		}
		transport.TLSClientConfig = &tls.Config{
			MinVersion:         tls.VersionTLS12,
			InsecureSkipVerify: true, // the names in it are not those of a loopback address: it must be the very one
			VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
				if len(raw) == 0 || !bytes.Equal(raw[0], pair.Certificate[0]) {
					return errors.New("the listener has another certificate than the file tls_cert of [Admin]")
				}
				return nil
			},
		}
	}
	return client, nil
}
