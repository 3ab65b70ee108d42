package pool_test

import (
	"fmt"
	"time"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/pool"
)

// A request takes a lease on an upstream of the newest snapshot and gives it
// back with its outcome; when all are at their limit it waits in the queue.
func Example() {
	p := pool.New("app", &config.Pool{
		Upstreams: []config.Upstream{{Name: "a", Address: "10.0.0.5:8080", Weight: 1}},
		Queue:     config.Queue{MaxInFlightPerWorker: 1, Length: 10},
	}, nil)

	up := p.Snapshot().Upstreams[0] // a strategy chooses
	lease, err := up.Acquire()
	fmt.Println(up.ID, up.InFlight(), err)

	_, err = up.Acquire()
	fmt.Println(err)
	err = p.Wait(time.Now().Add(time.Millisecond), nil)
	fmt.Println(err)

	lease.Release(pool.Outcome{Result: pool.Success, Status: 200, Latency: 3 * time.Millisecond})
	fmt.Println(up.InFlight(), up.Requests(), up.Latency())

	p.StartDrain("a")
	_, err = up.Acquire()
	fmt.Println(err, up.State())
	// Output:
	// a 1 <nil>
	// upstream is at its limit of requests in flight
	// waited too long in the queue
	// 0 1 3ms
	// upstream is draining draining
}
