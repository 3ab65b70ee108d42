// Command load asks a server for what the bench's scenarios need beyond wrk, checks every answer, and
// prints what it saw as one line of JSON. With -rate it is an open loop: requests go out when they are
// due, whatever becomes of those before them, and their time counts from then. Without, each connection
// moves one body after the other, down or (-upload) up.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"
)

// options say what is sent where.
type options struct {
	address, path string
	connections   int
	size          int64         // bytes of the body of each answer or, when uploading, of each request
	rate          float64       // requests per second; 0: as fast as they are answered
	length        time.Duration // no request begins later
	bodies        int           // on each connection at most; 0: until length has passed
	upload        string        // file that is sent
}

func main() {
	var o options
	flag.StringVar(&o.path, "path", "/", "path that is asked for")
	flag.IntVar(&o.connections, "connections", 64, "kept connections")
	flag.Int64Var(&o.size, "size", 0, "bytes of the body that each answer must have")
	flag.Float64Var(&o.rate, "rate", 0, "requests per second, in all; 0: as fast as they are answered")
	flag.DurationVar(&o.length, "length", time.Second, "no request begins later")
	flag.IntVar(&o.bodies, "bodies", 0, "bodies on each connection, in place of -length")
	flag.StringVar(&o.upload, "upload", "", "send this file with each request")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: load [flags] HOST:PORT")
		os.Exit(2)
	}
	o.address = flag.Arg(0)
	run := runBulk
	if o.rate > 0 {
		run = runRate
	}
	got, err := run(o)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(got)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}
