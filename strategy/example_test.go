package strategy_test

import (
	"fmt"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/pool"
	"github.com/drover-proxy/drover/strategy"
)

// A strategy is made once for a pool; each request picks from the pool's
// newest snapshot and names those that it has tried.
func Example() {
	cfg := &config.Pool{
		Strategy: "weighted-round-robin",
		Upstreams: []config.Upstream{
			{Name: "a", Address: "10.0.0.5:8080", Weight: 2},
			{Name: "b", Address: "10.0.0.6:8080", Weight: 1},
		},
	}
	s, err := strategy.New(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	p := pool.New("app", cfg, nil)

	count := map[string]int{}
	for range 300 {
		count[s.Pick(p.Snapshot(), &strategy.Request{}).Label]++
	}
	fmt.Println(count)

	req := &strategy.Request{Tried: []*pool.Upstream{p.Get("a")}}
	fmt.Println(s.Pick(p.Snapshot(), req).Label)
	// Output:
	// map[a:200 b:100]
	// b
}
