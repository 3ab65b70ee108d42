// Command sink is the backend of the bench that reads the whole body of a request before it answers 200
// with the number of bytes that were in it.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"sync"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address")
	flag.Parse()
	log.Fatal(http.ListenAndServe(*listen, http.HandlerFunc(swallow)))
}

// buffers are large, so that the backend is cheap beside the proxy.
var buffers = sync.Pool{New: func() any { return new([256 << 10]byte) }}

func swallow(w http.ResponseWriter, r *http.Request) {
	buffer := buffers.Get().(*[256 << 10]byte)
	defer buffers.Put(buffer)
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, r.Body, buffer[:])
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if _, err := fmt.Fprint(w, n); err != nil {
		log.Print(err)
	}
}
