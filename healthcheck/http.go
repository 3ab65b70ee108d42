package healthcheck

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/drover-proxy/drover/config"
)

// Bounds of what is read of an answer.
const (
	maxProbeBody   = 64 << 10
	maxProbeHeader = 64 << 10
)

// HTTPCheck sends GET over a connection of its own. Without an endpoint an
// upstream is well when it answers GET / with any status below 500, so that a
// program that knows nothing of drover passes. An endpoint that is written
// down must answer one of the expected statuses, and with expectBody its
// answer must contain that text within the first 64 KiB. Redirects are
// answers; they are not followed.
type HTTPCheck struct {
	path   string
	expect StatusSet // nil: any below 500
	body   []byte
	client *http.Client
}

// NewHTTPCheck returns an HTTPCheck for endpoint, expectStatus (empty:
// 200-399) and expectBody of the settings.
func NewHTTPCheck(cfg config.HealthCheck) (*HTTPCheck, error) {
	c := &HTTPCheck{path: "/", body: []byte(cfg.ExpectBody)}
	if cfg.Endpoint != "" {
		if _, err := url.ParseRequestURI(cfg.Endpoint); err != nil || !strings.HasPrefix(cfg.Endpoint, "/") {
			return nil, fmt.Errorf("healthCheck.endpoint: %q is not a path; write it like /health", cfg.Endpoint)
		}
		c.path = cfg.Endpoint
		expect := cfg.ExpectStatus
		if expect == "" {
			expect = "200-399"
		}
		var err error
		if c.expect, err = ParseStatusSet(expect); err != nil {
			return nil, fmt.Errorf("healthCheck.%w", err)
		}
	}
	c.client = newClient()
	return c, nil
}

// newClient returns a client that reaches a Target by get.
func newClient() *http.Client {
	return &http.Client{
		// A transport of our own: no proxy from the environment, nothing kept.
		Transport: &http.Transport{
			DialContext:            dialTarget,
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxProbeHeader,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

type targetKey struct{}

func dialTarget(ctx context.Context, _, _ string) (net.Conn, error) {
	t, _ := ctx.Value(targetKey{}).(Target)
	return t.dial(ctx)
}

// Probe implements Check.
func (c *HTTPCheck) Probe(ctx context.Context, t Target) error {
	resp, err := get(ctx, c.client, t, c.path, "drover-healthcheck")
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // the answer is known
	return c.judge(resp)
}

// get asks a target for a path. The caller closes the body.
func get(ctx context.Context, client *http.Client, t Target, path, agent string) (*http.Response, error) {
	host := t.Address
	if t.Network == "unix" {
		host = "localhost"
	}
	ctx = context.WithValue(ctx, targetKey{}, t)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+host+path, nil)
	if err != nil {
		return nil, fmt.Errorf("probe %s: %w", t.Address, err)
	}
	req.Header.Set("User-Agent", agent)
	resp, err := client.Do(req)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) { // it repeats method and URL
			err = wrapped.Err
		}
		return nil, fmt.Errorf("GET %s: %w", path, err)
	}
	return resp, nil
}

func (c *HTTPCheck) judge(resp *http.Response) error {
	if c.expect == nil {
		if resp.StatusCode >= 500 {
			return fmt.Errorf("GET %s: status %d, want any below 500", c.path, resp.StatusCode)
		}
	} else if !c.expect.Has(resp.StatusCode) {
		return fmt.Errorf("GET %s: status %d, want %s", c.path, resp.StatusCode, c.expect)
	}
	if len(c.body) == 0 {
		return nil
	}
	found, err := contains(io.LimitReader(resp.Body, maxProbeBody), c.body)
	if err != nil {
		return fmt.Errorf("GET %s: read the body: %w", c.path, err)
	}
	if !found {
		return fmt.Errorf("GET %s: the body does not contain %q", c.path, c.body)
	}
	return nil
}

// contains reads r until text was found or r ends. A body that goes on after
// the text is not waited for.
func contains(r io.Reader, text []byte) (bool, error) {
	var seen []byte
	chunk := make([]byte, 4<<10)
	for {
		n, err := r.Read(chunk)
		from := max(len(seen)-len(text)+1, 0)
		seen = append(seen, chunk[:n]...)
		if bytes.Contains(seen[from:], text) {
			return true, nil
		}
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
}
