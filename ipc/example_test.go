package ipc_test

import (
	"fmt"
	"os"
	"time"

	"github.com/drover-proxy/drover/ipc"
)

// A worker gets one end of the channel as an inherited descriptor. Here the
// example itself plays the worker.
func Example() {
	dir, err := os.MkdirTemp("", "ipc")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // a temporary folder
	hub, err := ipc.NewHub(dir, ipc.Options{})
	if err != nil {
		panic(err)
	}
	end, err := hub.Open("app-3.7")
	if err != nil {
		panic(err)
	}
	worker := end.File()

	fmt.Fprintln(worker, `"ready"`) // process.send('ready')
	<-end.Ready()
	fmt.Println("ready")

	end.Shutdown(30 * time.Second)
	line := make([]byte, 100)
	n, err := worker.Read(line)
	if err != nil {
		panic(err)
	}
	fmt.Print(string(line[:n]))
	if err := hub.Close(); err != nil {
		panic(err)
	}
	// Output:
	// ready
	// {"drover":"shutdown","type":"shutdown","graceSeconds":30}
}
