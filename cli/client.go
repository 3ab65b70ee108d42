package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/drover-proxy/drover/admin"
)

// clientTimeout bounds one question to the running drover.
const clientTimeout = 30 * time.Second

// clientFlags are what every operating command takes.
type clientFlags struct {
	Admin string `placeholder:"ADDRESS" help:"The running drover: unix:/path or http://host:port (default $$DROVER_ADMIN, else its admin socket)."`
}

// Client speaks to the admin API of a running drover.
type Client struct {
	http  *http.Client
	base  string // of the URLs
	where string // for messages: what was dialled
	token string
	limit time.Duration // of one question
}

// connect finds the running drover: as the flag says, else DROVER_ADMIN, else
// the admin socket that somebody listens at.
func (f clientFlags) connect(env *Environment) (*Client, error) {
	address := f.Admin
	if address == "" {
		address = env.Getenv("DROVER_ADMIN")
	}
	if address == "" {
		var err error
		if address, err = search(admin.SocketFolders(env.Getenv)); err != nil {
			return nil, err
		}
	}
	return newClient(address, env.Getenv("DROVER_ADMIN_TOKEN"))
}

func search(folders []string) (string, error) {
	switch live := admin.LiveSockets(folders); len(live) {
	case 0:
		return "", fmt.Errorf("no drover answers at an admin socket (looked in %s); is it running? start one with drover run, or name it with --admin",
			strings.Join(folders, ", "))
	case 1:
		return "unix:" + live[0], nil
	default:
		return "", wrong(fmt.Sprintf("%d drovers are running; name one with --admin:\n  unix:%s", len(live), strings.Join(live, "\n  unix:")))
	}
}

func newClient(address, token string) (*Client, error) {
	c := &Client{where: address, token: token, limit: clientTimeout, http: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	transport := &http.Transport{ResponseHeaderTimeout: c.limit, DisableCompression: true}
	c.http.Transport = transport
	switch {
	case strings.HasPrefix(address, "unix:"):
		path := strings.TrimPrefix(strings.TrimPrefix(address, "unix:"), "//")
		c.base = "http://localhost"
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}
	case strings.HasPrefix(address, "http://"), strings.HasPrefix(address, "https://"):
		if u, err := url.Parse(address); err != nil || u.Host == "" {
			return nil, wrong(fmt.Sprintf("--admin: %q is not an address; use unix:/path or http://host:port", address))
		}
		c.base = strings.TrimRight(address, "/")
	default:
		return nil, wrong(fmt.Sprintf("--admin: %q is not an address; use unix:/path or http://host:port", address))
	}
	return c, nil
}

// patient waits for an answer as long as limit from now on.
func (c *Client) patient(limit time.Duration) *Client {
	c.limit = limit
	if t, ok := c.http.Transport.(*http.Transport); ok {
		t.ResponseHeaderTimeout = limit
	}
	return c
}

// get asks for path and decodes the answer into to, a pointer.
func (c *Client) get(path string, to any) error { return c.call(http.MethodGet, path, nil, to) }

// post sends body as JSON to path and decodes the answer into to, a pointer or nil.
func (c *Client) post(path string, body, to any) error {
	return c.call(http.MethodPost, path, body, to)
}

func (c *Client) call(method, path string, body, to any) error {
	ctx, cancel := context.WithTimeout(context.Background(), c.limit)
	defer cancel()
	r, err := c.send(ctx, method, path, body, "application/json")
	if err != nil {
		return err
	}
	text, err := io.ReadAll(r.Body)
	_ = r.Body.Close() // read to its end
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", c.where, err)
	}
	if r.StatusCode >= 300 {
		return c.refusal(r.StatusCode, text)
	}
	if to == nil {
		return nil
	}
	if err := json.Unmarshal(text, to); err != nil {
		return fmt.Errorf("%s does not answer like a drover: %w; is --admin right?", c.where, err)
	}
	return nil
}

func (c *Client) send(ctx context.Context, method, path string, body any, accept string) (*http.Response, error) {
	var content io.Reader
	if method == http.MethodPost {
		text := []byte("{}")
		if body != nil {
			var err error
			if text, err = json.Marshal(body); err != nil {
				return nil, err
			}
		}
		content = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, content)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", c.where, err)
	}
	r.Header.Set("Accept", accept)
	if content != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, c.unreachable(err)
	}
	return resp, nil
}

func (c *Client) unreachable(err error) error {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("no drover answers at %s; is it running? start one with drover run, or name it with --admin", c.where)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("the admin socket at %s is another user's; run this as the user that drover runs as, or as root", c.where)
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return fmt.Errorf("ask the drover at %s: %w", c.where, err)
}

// refusal turns an answer that is not 2xx into the error and exit status it stands for.
func (c *Client) refusal(status int, text []byte) error {
	var body admin.ErrorBody
	if json.Unmarshal(text, &body) != nil || body.Error == nil {
		return fmt.Errorf("%s answers with status %d, not like a drover; is --admin right?", c.where, status)
	}
	message := printable(body.Error.Message)
	if status == http.StatusUnauthorized && c.token == "" {
		message += "; put a token into DROVER_ADMIN_TOKEN"
	}
	for _, d := range body.Error.Details {
		message += "\n" + d
	}
	if status == http.StatusConflict || status == http.StatusUnprocessableEntity {
		return &ExitError{Code: ExitRefused, Message: message}
	}
	return &ExitError{Code: ExitFailed, Message: message}
}

// escape makes one path segment of a name that may contain slashes.
func escape(name string) string { return url.PathEscape(name) }

// readiness asks whether drover can serve. Not being ready is an answer as well.
func (c *Client) readiness() (r admin.Readiness, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), clientTimeout)
	defer cancel()
	resp, err := c.send(ctx, http.MethodGet, "/readyz", nil, "application/json")
	if err != nil {
		return r, err
	}
	text, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close() // read to its end
	if err != nil {
		return r, fmt.Errorf("read the answer of %s: %w", c.where, err)
	}
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusServiceUnavailable {
		return r, c.refusal(resp.StatusCode, text)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("%s does not answer like a drover: %w; is --admin right?", c.where, err)
	}
	return r, nil
}
