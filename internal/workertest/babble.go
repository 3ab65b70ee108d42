package workertest

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// babble serves, and says on the message channel whatever a worker should not,
// without ever reading what it gets back.
func babble([]string) {
	go serve(listen())
	fd, err := strconv.Atoi(os.Getenv("DROVER_IPC_FD"))
	if err != nil {
		fail("DROVER_IPC_FD: %v", err)
	}
	channel := os.NewFile(uintptr(fd), "channel")
	long := strings.Repeat("x", 100<<10)
	var all bytes.Buffer
	say := func(format string, args ...any) { fmt.Fprintf(&all, format+"\n", args...) }
	say(`{"drover":"hello","id":1,"version":1,"acks":true}`)
	for i := range 100 {
		id := 10 * (i + 1)
		say(`{"drover":"send","id":%d,"pool":"app","type":"a.b","from":"app-1.1","data":1}`, id)
		say(`{"drover":"send","id":%d,"pool":"app","type":"forbidden","data":1}`, id+1)
		say(`{"drover":"request","id":%d,"worker":"app-1","type":"echo","data":"%s"}`, id+2, long) // allowed
		say(`{"drover":"broadcast","id":%d,"pool":"*","type":"a.b","data":"%s"}`, id+3, long)
		say(`{"drover":"%s","id":%d}`, long, id+4)
		say(`{"drover":"response","id":%d,"data":%s}`, id+5, strings.Repeat("[", 50_000))
		say(`{"drover":"cancel","id":%d}`, id+2)
		say(strings.Repeat("\x00\xff{[\"", 1000))
		say(`{"drover":"subscribe","topics":["*"],"events":["*"]}`)
		say(`{"drover":"ack","seq":9007199254740991}`)
	}
	say(`"%s"`, strings.Repeat(long, 100))
	for {
		if _, err := channel.Write(all.Bytes()); err != nil {
			fail("write to the channel: %v", err)
		}
	}
}
