//go:build !race

package exchange

import "testing"

// Not under the race detector, which allocates.
func TestClient_AllocatesNothingOnThePlainPath(t *testing.T) {
	onEach(t, func(t *testing.T, network string) {
		f := func(what string, req *Request, response string) {
			t.Helper()
			c := echoless(t, network, []byte(response))
			r := new(Response)
			for range 100 {
				once(t, c, req, r)
			}
			if n := testing.AllocsPerRun(1000, func() { once(t, c, req, r) }); n >= 1 {
				t.Errorf("%s: %v allocations per exchange", what, n)
			}
		}
		f("length", typical(), benchResponse)
		f("chunked", typical(), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nKeep-Alive: timeout=5\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
		withBody := typical()
		withBody.Method, withBody.Body, withBody.Length = "POST", inMem("hello"), 5
		f("body in memory", withBody, benchResponse)
	})
}
