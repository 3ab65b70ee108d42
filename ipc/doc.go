// Package ipc carries what workers and drover say to each other beside the
// requests: that a worker is ready or is about to be stopped, messages and
// requests between workers, events, health, numbers, and the operations of the
// shared cache. docs/ipc-protocol.md has every frame.
//
// It owns the sockets of a worker and the framing on them. The message channel
// is a socket pair whose child end is inherited as a descriptor, so that who
// speaks is known without a token; each frame is one line of JSON, which is what
// Node.js and Bun speak when they find NODE_CHANNEL_FD. A program that does not
// inherit it connects to a Unix socket with a key that works once. The notify
// socket is the datagram socket of sd_notify(3). Package ipc does not own
// processes and does not know what readiness leads to (the supervisor does), nor
// what the cache or the numbers are (cache and metrics do).
//
// A frame goes through it like this: lines finds it, parser reads it, verb says
// what it may have and who acts on it, message checks what it says, pick and
// audience find its receivers, delivery (a message) or call (a request) follows
// it to its end, outbox holds what a socket does not take at once. The goroutine
// that reads one worker's channel writes to the others' itself, without waiting,
// so a message crosses drover without a change of goroutine.
//
//	hub, err := ipc.NewHub(dir, ipc.Options{}) // dir is private to drover
//	end, err := hub.Open("app-3.7")
//	spec.Files = []*os.File{end.File()}        // descriptor 3 of the worker
//	spec.Env = append(spec.Env, "NOTIFY_SOCKET="+end.NotifySocket())
//	// … start the process, then end.File().Close()
//	<-end.Ready()                              // process.send('ready') or READY=1
//	answer, err := hub.Request(ctx, ipc.Target{Worker: "app-3"}, "price.get", []byte("42"))
//	end.Shutdown(30 * time.Second)             // never blocks
//	err = end.Close()
package ipc
