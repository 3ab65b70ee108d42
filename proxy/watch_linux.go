package proxy

import "golang.org/x/sys/unix"

// watcher asks the kernel in one call which of many clients have gone.
type watcher struct {
	conns []watched
	fds   []unix.PollFd
}

// poll tells the connections whose clients have gone, and empties the list.
func (w *watcher) poll() {
	w.fds = w.fds[:0]
	for _, c := range w.conns {
		fd := int32(-1)                                      // poll(2) passes over it
		_ = c.raw.Control(func(d uintptr) { fd = int32(d) }) // fails when it is closed: then it is passed over
		w.fds = append(w.fds, unix.PollFd{Fd: fd, Events: unix.POLLRDHUP})
	}
	if len(w.fds) > 0 {
		if _, err := unix.Poll(w.fds, 0); err == nil {
			for i := range w.fds {
				w.conns[i].tell(w.fds[i].Revents != 0 && clientHungUp(w.conns[i].conn))
			}
		}
	}
	clear(w.conns)
	w.conns = w.conns[:0]
}

// clientHungUp asks again for one connection, holding its descriptor: the number
// that was polled may have been given to another file in between.
func clientHungUp(c *conn) (gone bool) {
	_ = c.raw.Control(func(d uintptr) {
		fds := [1]unix.PollFd{{Fd: int32(d), Events: unix.POLLRDHUP}}
		n, err := unix.Poll(fds[:], 0)
		gone = err == nil && n == 1 && fds[0].Revents&(unix.POLLRDHUP|unix.POLLHUP|unix.POLLERR) != 0
	}) // fails when it is closed: then nobody waits any more
	return gone
}
