// Package exchange is one request to one upstream and its response: the
// connections to it, the HTTP/1.1 codec, and the deadlines. It knows nothing
// of routes, of pools of upstreams, or of the server that took the request in;
// it never sends a request twice.
//
// A plain exchange is three system calls: a look at the idle connection, a
// write, a read after one wait (conn.trip). A body that is not in memory goes
// up in a goroutine of its own (upload); nothing else runs in the background
// but a timer per client while it has idle connections (idleStack).
//
// An exchange in ten lines:
//
//	client := exchange.NewClient("tcp", "127.0.0.1:20003", exchange.Options{})
//	defer client.Close()
//	req := &exchange.Request{Head: head, Method: "GET", FirstByte: time.Minute, Cancel: &cancel}
//	resp := new(exchange.Response)            // kept and used again
//	if err := client.Do(req, resp); err != nil {
//		return err                        // an *exchange.Error: what went wrong, and whose fault
//	}
//	defer resp.Close()                        // keeps the connection when it is clean
//	relay(resp.Status, resp.Fields)
//	_, err := io.Copy(w, resp)                // or Whole, or Fill for a large one; then Trailer
package exchange
