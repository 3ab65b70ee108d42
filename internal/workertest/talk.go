package workertest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"sync"
)

// talkFrame is what of docs/ipc-protocol.md a worker of the mode talk understands.
type talkFrame struct {
	Drover string          `json:"drover"`
	ID     uint64          `json:"id"`
	Seq    uint64          `json:"seq"`
	Type   string          `json:"type"`
	Data   json.RawMessage `json:"data"`
}

// channel is this end of the message channel.
var channel = sync.OnceValue(func() *os.File {
	fd, err := strconv.Atoi(os.Getenv("DROVER_IPC_FD"))
	if err != nil {
		fail("DROVER_IPC_FD: %v", err)
	}
	return os.NewFile(uintptr(fd), "channel")
})

// talk serves, and speaks the protocol of the message channel without an SDK.
func talk([]string) {
	go serve(listen())
	channel := channel()
	in := bufio.NewScanner(channel)
	in.Buffer(nil, 16<<20)
	tell(channel, `{"drover":"hello","id":1,"version":1,"acks":true}`)
	messages, full := 0, false
	for in.Scan() {
		var f talkFrame
		if err := json.Unmarshal(in.Bytes(), &f); err != nil {
			fail("a frame that is no JSON: %v", err)
		}
		switch f.Drover {
		case "message":
			full = full || f.Type == "disk.full"
			messages++
			tell(channel, `{"drover":"metrics","metrics":[{"name":"talk_messages_total","type":"counter","help":"Messages that came.","samples":[{"value":%d}]}]}`, messages)
			if f.Type != "ignore" {
				tell(channel, `{"drover":"ack","seq":%d}`, f.Seq)
			}
		case "request":
			respond(channel, f)
		case "ping":
			tell(channel, `{"drover":"pong","id":%d,"loopDelayMs":0.25,"checks":[{"name":"db","ok":true,"ms":1.5,"details":{"open":4}},{"name":"disk","ok":%t,"ms":0.5,"message":"full"}]}`, f.ID, !full)
		}
	}
	fail("the channel ended: %v", in.Err())
}

// respond answers a request by its type: echo, fail, or never.
func respond(channel *os.File, f talkFrame) {
	switch f.Type {
	case "echo":
		tell(channel, `{"drover":"response","id":%d,"data":%s}`, f.ID, f.Data)
	case "fail":
		tell(channel, `{"drover":"response","id":%d,"error":{"code":"card-declined","message":"no money"}}`, f.ID)
	case "never":
	default:
		tell(channel, `{"drover":"response","id":%d,"error":{"code":"no-handler","message":"nobody handles %s"}}`, f.ID, f.Type)
	}
}

func tell(channel *os.File, format string, args ...any) {
	if _, err := fmt.Fprintf(channel, format+"\n", args...); err != nil {
		fail("write to the channel: %v", err)
	}
}
