// Package nonblock makes the three system calls of a plain exchange on sockets
// that do not block: look, write, read. Their errors are bare unix.Errno values,
// unix.EAGAIN where the call would have had to wait. The caller sees to it that
// the descriptor stays open meanwhile, as net's RawConn does.
//
// They are made past the scheduler: it has nothing to arrange for a call that
// takes microseconds, as long as a function call may, and telling it costs 6 to
// 8 % of an exchange.
package nonblock
