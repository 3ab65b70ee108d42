package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/drover-proxy/drover/admin"
	"github.com/drover-proxy/drover/event"
)

// maxEvent is the longest line of a stream of events that is read.
const maxEvent = 1 << 20

// EventsCmd shows what happened.
type EventsCmd struct {
	clientFlags
	Follow bool `short:"f" help:"Go on with what happens from now on."`
	JSON   bool `help:"Print JSON, for programs: one list, with -f one object per line."`
}

// Help shows an example.
func (*EventsCmd) Help() string {
	return `Examples:

  drover events
  drover events -f --json | jq -r .message`
}

// Run asks and prints.
func (c *EventsCmd) Run(env *Environment) error {
	client, err := c.connect(env)
	if err != nil {
		return err
	}
	if c.Follow {
		return c.follow(env, client)
	}
	var list admin.EventList
	if err := client.get("/api/v1/events", &list); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(env, list)
	}
	for _, e := range list.Events {
		printEvent(env, e)
	}
	return nil
}

// follow prints events until the stream ends, which it does when drover stops.
func (c *EventsCmd) follow(env *Environment, client *Client) error {
	r, err := client.send(context.Background(), http.MethodGet, "/api/v1/events?follow=1", nil, "text/event-stream")
	if err != nil {
		return err
	}
	defer r.Body.Close() //nolint:errcheck // only read from
	if r.StatusCode != http.StatusOK {
		text, err := io.ReadAll(io.LimitReader(r.Body, maxEvent))
		if err != nil {
			return fmt.Errorf("read the answer of %s: %w", client.where, err)
		}
		return client.refusal(r.StatusCode, text)
	}
	lines := bufio.NewScanner(r.Body)
	lines.Buffer(nil, maxEvent)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		if c.JSON {
			say(env.Stdout, "%s\n", data)
			continue
		}
		var e event.Event
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			return fmt.Errorf("%s sends an event that cannot be read: %w", client.where, err)
		}
		printEvent(env, e)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("follow the events of %s: %w", client.where, err)
	}
	return nil
}

func printEvent(env *Environment, e event.Event) {
	say(env.Stdout, "%s  %-20s  %-12s  %s\n", e.Time.UTC().Format("2006-01-02T15:04:05.000Z"), e.Kind, e.Subject, printable(e.Message))
}
