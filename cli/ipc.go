package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/drover-proxy/drover/admin"
)

// longestAnswer is how long workers may take to answer, and some time for the way.
const longestAnswer = time.Hour + clientTimeout

// IPCCmds are messages to workers.
type IPCCmds struct {
	Broadcast BroadcastCmd `cmd:"" help:"Send a message to all workers, or to those of a pool."`
	Send      SendCmd      `cmd:"" help:"Send a message to one worker."`
	Request   RequestCmd   `cmd:"" help:"Send a message to one worker and print its response."`
}

// Help shows examples.
func (*IPCCmds) Help() string {
	return `Workers get these messages over their channel to drover, with drover as the
sender.

  drover ipc broadcast price.changed '{"sku": 42}'
  drover ipc send --worker app-3 log.level '"debug"'
  drover ipc request --pool app price.get 42`
}

// messageArgs are what is sent.
type messageArgs struct {
	Type string `arg:"" help:"The type of the message, as in price.changed."`
	Data string `arg:"" optional:"" help:"Its data: JSON; - reads it from standard input; nothing is null."`
}

// targetFlags name one worker.
type targetFlags struct {
	Worker string `placeholder:"ID" help:"The worker: app-3 (the newest in slot 3), or app-3.7 (generation 7 exactly)."`
	Pool   string `placeholder:"POOL" help:"In place of it: one of the workers of this pool."`
	Pick   string `placeholder:"HOW" help:"With --pool, which one: random (the default) or least-busy."`
}

// target refuses what names nobody, or two.
func (f targetFlags) target() (admin.Target, error) {
	switch {
	case (f.Worker == "") == (f.Pool == ""):
		return admin.Target{}, wrong("say who gets it, with --worker ID or with --pool POOL")
	case f.Pick != "" && f.Pool == "":
		return admin.Target{}, wrong("--pick needs --pool")
	}
	return admin.Target(f), nil
}

// read returns the data as JSON.
func (a messageArgs) read(env *Environment) (json.RawMessage, error) {
	switch a.Data {
	case "":
		return nil, nil
	case "-":
		text, err := io.ReadAll(env.Stdin)
		if err != nil {
			return nil, fmt.Errorf("read the data from standard input: %w", err)
		}
		if !json.Valid(text) {
			return nil, wrong("what came on standard input is not JSON")
		}
		return text, nil
	}
	if !json.Valid([]byte(a.Data)) {
		quoted, _ := json.Marshal(a.Data) // text can always be
		return nil, wrong(fmt.Sprintf("the data %s is not JSON; text needs quotes of its own: '%s'", a.Data, quoted))
	}
	return json.RawMessage(a.Data), nil
}

// BroadcastCmd sends a message to many.
type BroadcastCmd struct {
	clientFlags
	jsonFlag
	Pool string `placeholder:"POOL" help:"Only to the workers of this pool."`
	messageArgs
}

// Help shows an example.
func (*BroadcastCmd) Help() string {
	return `Exit status 1 when a worker did not get it.

  drover ipc broadcast price.changed '{"sku": 42}'
  drover ipc broadcast --pool app config.reload
  jq .prices shop.json | drover ipc broadcast prices -`
}

// Run sends it and says who got it.
func (c *BroadcastCmd) Run(env *Environment) error {
	data, err := c.read(env)
	if err != nil {
		return err
	}
	client, err := c.connect(env)
	if err != nil {
		return err
	}
	var result admin.Broadcasted
	if err := client.patient(longestAnswer).post("/api/v1/ipc/broadcast", admin.BroadcastRequest{Pool: c.Pool, Type: c.Type, Data: data}, &result); err != nil {
		return err
	}
	if c.JSON {
		if err := printJSON(env, result); err != nil {
			return err
		}
	} else {
		printBroadcast(env, result)
	}
	if len(result.Failed) > 0 {
		return &ExitError{Code: ExitFailed} // said above
	}
	return nil
}

func printBroadcast(env *Environment, result admin.Broadcasted) {
	switch {
	case result.Sent == 0:
		say(env.Stdout, "received by %s\n", count(result.Received, "worker"))
	case result.Received == 0:
		say(env.Stdout, "sent to %s, none of which acknowledges\n", count(result.Sent, "worker"))
	default:
		say(env.Stdout, "received by %s; sent to %d more, which do not acknowledge\n", count(result.Received, "worker"), result.Sent)
	}
	if len(result.Failed) == 0 {
		return
	}
	rows := make([][]string, len(result.Failed))
	for i, f := range result.Failed {
		rows[i] = []string{f.Worker, oneLine(f.Code), oneLine(f.Message)}
	}
	say(env.Stdout, "\n")
	table(env, "NOT RECEIVED BY|CODE|MESSAGE", rows)
}

// SendCmd sends a message to one worker.
type SendCmd struct {
	clientFlags
	jsonFlag
	targetFlags
	messageArgs
}

// Help shows an example.
func (*SendCmd) Help() string {
	return `Examples:

  drover ipc send --worker app-3 log.level '"debug"'
  drover ipc send --pool jobs --pick least-busy task.run '[1, 2]'`
}

// Run sends it and says who has it.
func (c *SendCmd) Run(env *Environment) error {
	to, data, client, err := c.begin(env, c.clientFlags, c.targetFlags)
	if err != nil {
		return err
	}
	var result admin.Delivered
	if err := client.post("/api/v1/ipc/send", admin.SendRequest{Target: to, Type: c.Type, Data: data}, &result); err != nil {
		return err
	}
	switch {
	case c.JSON:
		return printJSON(env, result)
	case result.Acknowledged:
		say(env.Stdout, "received by %s\n", result.Worker)
	default:
		say(env.Stdout, "sent to %s, which does not acknowledge\n", result.Worker)
	}
	return nil
}

// begin finds receiver, data and the running drover.
func (a messageArgs) begin(env *Environment, drover clientFlags, worker targetFlags) (to admin.Target, data json.RawMessage, client *Client, err error) {
	if to, err = worker.target(); err != nil {
		return
	}
	if data, err = a.read(env); err != nil {
		return
	}
	if client, err = drover.connect(env); err == nil {
		client.patient(longestAnswer)
	}
	return
}

// RequestCmd sends a message to one worker and waits for its response.
type RequestCmd struct {
	clientFlags
	jsonFlag
	targetFlags
	Timeout time.Duration `placeholder:"TIME" help:"How long the worker may take, to 1h (default: ipc.requestTimeout of the settings)."`
	messageArgs
}

// Help shows an example.
func (*RequestCmd) Help() string {
	return `Prints the data of the response, JSON on one line; with --json also who it is from.

  drover ipc request --worker app-3 price.get 42
  drover ipc request --pool app --timeout 30s report.build - < query.json | jq .total`
}

// Run asks and prints.
func (c *RequestCmd) Run(env *Environment) error {
	var timeout *int64
	if c.Timeout != 0 {
		ms := c.Timeout.Milliseconds()
		if ms < 1 || c.Timeout > time.Hour {
			return wrong(fmt.Sprintf("--timeout: %v is not a time from 1ms to 1h", c.Timeout))
		}
		timeout = &ms
	}
	to, data, client, err := c.begin(env, c.clientFlags, c.targetFlags)
	if err != nil {
		return err
	}
	body := admin.AskRequest{SendRequest: admin.SendRequest{Target: to, Type: c.Type, Data: data}, TimeoutMS: timeout}
	var response admin.Response
	if err := client.post("/api/v1/ipc/request", body, &response); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(env, response)
	}
	return printValue(env, response.Data)
}

// printValue prints JSON as it came, on one line.
func printValue(env *Environment, value json.RawMessage) error {
	var line bytes.Buffer
	if err := json.Compact(&line, value); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	say(env.Stdout, "%s\n", line.String())
	return nil
}
