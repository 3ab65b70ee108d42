package config

import (
	"slices"
	"testing"
)

func TestDevelop_OneWorkerWithoutLimitsThatIsWatched(t *testing.T) {
	c := parse(t, `
server: { listeners: [ { address: ":8080", pool: app } ] }
pools:
  app:
    command: ["true"]
    workers: 4
    autoScaling: { enabled: true, minWorkers: 2 }
    resources: { maxMemoryPerWorker: 64MB }
    processManagement: { maxRequests: 10, maxLifetime: 1h, startTimeout: 5s }
  own: { command: ["true"], processManagement: { watch: ["src/*"] } }
  fixed: { upstreams: [ { address: "10.0.0.5:80" } ] }
`)
	c.Develop()
	app := c.Pools["app"]
	if pm := app.ProcessManagement; app.Workers != 1 || app.Resources.MaxMemoryPerWorker != 0 || app.AutoScaling.Enabled || pm.MaxRequests != 0 || pm.MaxLifetime != 0 || !slices.Contains(pm.Watch, "**/*.js") || pm.StartTimeout != 5*second {
		t.Errorf("%+v", app)
	}
	if got := c.Pools["own"].ProcessManagement.Watch; !slices.Equal(got, []string{"src/*"}) {
		t.Errorf("its own patterns are %v", got)
	}
	if c.Pools["fixed"].ProcessManagement.Watch != nil || c.Logging.Format != "console" {
		t.Error("a pool without workers is watched, or logs are not for people")
	}
	if faults := c.Validate(); len(faults) > 0 {
		t.Error(faults)
	}
}
