package cli

import (
	"fmt"

	"github.com/drover-proxy/drover/admin"
)

// PoolsCmd lists the pools and their upstreams.
type PoolsCmd struct {
	clientFlags
	jsonFlag
}

// Help shows an example.
func (*PoolsCmd) Help() string {
	return `Examples:

  drover pools
  drover pools --json`
}

// Run asks and prints.
func (c *PoolsCmd) Run(env *Environment) error {
	client, err := c.connect(env)
	if err != nil {
		return err
	}
	var list admin.PoolList
	if err := client.get("/api/v1/pools", &list); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(env, list)
	}
	var pools, upstreams [][]string
	for _, p := range list.Pools {
		pools = append(pools, poolRow(p.PoolSummary))
		for _, u := range p.Upstreams {
			upstreams = append(upstreams, upstreamRow(p.Name, u))
		}
	}
	table(env, poolHead, pools)
	if len(upstreams) > 0 {
		say(env.Stdout, "\n")
		table(env, "UPSTREAM|POOL|ADDRESS|HEALTH|WEIGHT|IN FLIGHT|REQUESTS|ERRORS|LATENCY|BREAKER", upstreams)
	}
	return nil
}

func upstreamRow(pool string, u admin.Upstream) []string {
	health := u.Health
	switch {
	case u.Maintenance:
		health += ", maintenance"
	case u.Drained:
		health += ", drained"
	case u.State == "draining":
		health += ", draining"
	}
	return []string{u.ID, pool, dash(u.Address), health, fmt.Sprint(u.Weight), fmt.Sprint(u.InFlight), fmt.Sprint(u.Requests),
		fmt.Sprintf("%.1f%%", u.ErrorRate*100), fmt.Sprintf("%.1f ms", u.LatencyMS), dash(u.Breaker)}
}
