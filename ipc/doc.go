// Package ipc carries what a worker and drover say to each other beside the
// requests: today that a worker is ready, and that it is about to be stopped.
//
// It owns the two sockets of a worker and the framing on them. The message
// channel is a socket pair whose child end is inherited as a descriptor; each
// message is one line of JSON, which is what Node.js and Bun speak when they
// find NODE_CHANNEL_FD. The notify socket is the datagram socket of
// sd_notify(3). It does not own processes and does not know what readiness
// leads to; the supervisor does.
//
//	hub, err := ipc.NewHub(dir, bus)           // dir is private to drover
//	end, err := hub.Open("app-3.7")
//	spec.Files = []*os.File{end.File()}        // descriptor 3 of the worker
//	spec.Env = append(spec.Env, "NOTIFY_SOCKET="+end.NotifySocket())
//	// … start the process, then end.File().Close()
//	<-end.Ready()                              // process.send('ready') or READY=1
//	end.Shutdown(30 * time.Second)             // never blocks
//	err = end.Close()
package ipc
