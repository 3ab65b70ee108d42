package main

import (
	"fmt"
	"maps"
	"slices"

	"go.uber.org/zap"

	"github.com/drover-proxy/drover/config"
	"github.com/drover-proxy/drover/healthcheck"
	"github.com/drover-proxy/drover/ipc"
	"github.com/drover-proxy/drover/logs"
	"github.com/drover-proxy/drover/pool"
)

// buildHub makes what passes messages between workers.
func (d *drover) buildHub(dir string) error {
	cfg := d.settings.IPC
	options := ipc.Options{
		MaxMessageBytes: int(cfg.MaxMessageBytes), MaxDepth: cfg.MaxDepth, RequestTimeout: cfg.RequestTimeout.Std(), QueueLength: cfg.QueueLength,
		Pools: func() []string { return slices.Collect(maps.Keys(d.current().Pools)) }, AuditContent: cfg.Audit.Enabled && cfg.Audit.Content,
		Bus: d.bus, Observer: d.metrics, Metrics: d.metrics.App(), Load: d.busy,
	}
	var err error
	if options.Types, err = ipc.ParsePatterns(cfg.Types); err != nil {
		return fmt.Errorf("ipc.types: %w", err)
	}
	if options.ACL, err = ipc.NewACL(rules(cfg.Allow)); err != nil {
		return err
	}
	if options.Schemas, err = ipc.LoadSchemas(cfg.Schemas); err != nil {
		return err
	}
	if cfg.Encryption == "on" {
		if err := options.Schemas.Subset(); err != nil {
			return err
		}
		d.keys = ipc.NewKeyring()
		options.Keys = d.keys
	}
	if cfg.Audit.Enabled {
		if d.audit, err = d.openAudit(cfg.Audit); err != nil {
			return err
		}
		options.Audit = ipc.NewAuditLog(d.audit, cfg.Audit.Content)
	}
	if d.cache != nil { // not a nil service in an interface
		options.Cache = d.cache.service
	}
	d.hub, err = ipc.NewHub(dir, options)
	return err
}

func rules(allow []config.Allow) []ipc.Rule {
	out := make([]ipc.Rule, len(allow))
	for i, a := range allow {
		out[i] = ipc.Rule{From: a.From, To: a.To, Types: a.Types}
	}
	return out
}

func (d *drover) openAudit(cfg config.Audit) (*logs.LineFile, error) {
	file := config.LogFile{Path: cfg.File, MaxSize: cfg.MaxSize, MaxFiles: cfg.MaxFiles}
	return logs.OpenLineFile(file, "ipc.audit.file", func(lines uint64) {
		d.log.Warn("lines of the audit log of messages were lost: the disk is too slow, or full", zap.Uint64("lines", lines))
	})
}

// busy tells the hub how a worker is doing over HTTP.
func (d *drover) busy(poolName, workerID string) (inFlight int64, ready bool) {
	p := d.pool(poolName)
	if p == nil {
		return 0, false
	}
	up := p.Get(workerID)
	if up == nil {
		return 0, false
	}
	return up.InFlight(), up.State() == pool.Healthy && !up.Drained()
}

// pinger is what ipc checks of a pool ask; nil for one that starts no workers.
func (d *drover) pinger(cfg *config.Pool) healthcheck.Pinger {
	if cfg == nil || len(cfg.Command) == 0 {
		return nil
	}
	return d.hub
}
