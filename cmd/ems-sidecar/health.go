package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"ems-sidecar/admin/api"
)

// maxHealth is how much of the answer is read: a line for each directory whose file system hangs.
const maxHealth = 64 << 10

type healthCommand struct{ configFlag }

// Run asks the daemon whether it works, as a container's health check. A stream that suffers does
// not fail it, unlike status: to start the daemon again would not help a stream.
func (c healthCommand) Run(ctx context.Context, s surroundings) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	client, err := adminClient(cfg.Admin)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	answer, err := askHealth(ctx, client)
	if err != nil {
		return fmt.Errorf("the daemon does not work: %s", printable(err.Error()))
	}
	for line := range strings.Lines(answer) {
		if _, err := fmt.Fprintln(s.stdout, printable(strings.TrimSpace(line))); err != nil {
			return err
		}
	}
	return nil
}

// askHealth returns what the daemon remarks. It fails unless the daemon says that it works.
func askHealth(ctx context.Context, client *api.Client) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, client.URL+"/healthz", nil)
	if err != nil {
		return "", err
	}
	if client.Token != "" {
		req.Header.Set("Authorization", "Bearer "+client.Token)
	}
	r, err := client.HTTP.Do(req)
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(io.LimitReader(r.Body, maxHealth))
	if err != nil {
		return "", err
	}
	if r.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", r.Status, strings.TrimSpace(string(body)))
	}
	return string(body), nil
}
