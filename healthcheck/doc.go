// Package healthcheck finds out whether upstreams are well: a check (http, tcp
// or exec) asks one upstream once, a tracker turns answers into verdicts, and
// the prober asks all upstreams of a pool for as long as it runs.
//
// It reports to the pool and decides nothing else: what becomes of a worker
// whose probes fail is the supervisor's business. Errors that requests meet
// are counted in the pool (ejection, breaker), not here.
//
//	check, err := healthcheck.New(cfg, healthcheck.Env{Pool: "app", Runner: spawner, Environ: os.Environ()})
//	prober := healthcheck.NewProber(p, cfg, check, metrics)
//	go prober.Run(ctx)
package healthcheck
