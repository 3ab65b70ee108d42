package main

import (
	"context"
	"fmt"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/drover-proxy/drover/event"
)

// newEvents is how many events may wait to be logged before one is dropped.
const newEvents = 256

// followEvents logs and counts events until ctx is done and the last is written.
func (d *drover) followEvents(ctx context.Context, events <-chan event.Event) {
	log := d.logs.Logger("event")
	for {
		select {
		case e := <-events:
			d.take(log, e)
			continue
		default:
		}
		select {
		case e := <-events:
			d.take(log, e)
		case <-ctx.Done():
			return
		}
	}
}

func (d *drover) take(log *zap.Logger, e event.Event) {
	d.metrics.Event(string(e.Kind))
	fields := make([]zap.Field, 0, 2+len(e.Attrs))
	fields = append(fields, zap.String("event", string(e.Kind)), zap.String("subject", e.Subject))
	for name, value := range e.Attrs {
		fields = append(fields, zap.Any(name, value))
	}
	log.Log(levelOf(e.Kind), e.Message, fields...)
}

// levelOf says how much a person should care.
func levelOf(k event.Kind) zapcore.Level {
	switch k {
	case event.SlotFailed, event.RollFailed, event.ReloadFailed, event.UpgradeFailed, event.SharedFailure, event.LogFailed, event.OpenFiles, event.Internal:
		return zap.ErrorLevel
	case event.WorkerStartTimeout, event.WorkerKilled, event.WorkerBackoff, event.WorkerLeak, event.WorkerMemory, event.WorkerZombies, event.LimitWeaker,
		event.PoolDegraded, event.UpstreamUnhealthy, event.UpstreamEjected, event.BreakerOpened, event.LogDropped:
		return zap.WarnLevel
	}
	return zap.InfoLevel
}

// logTrouble tells that a place for log lines takes none, or does again.
func (d *drover) logTrouble(place string, err error, lost uint64) {
	if err != nil {
		d.bus.Publish(event.Event{Kind: event.LogFailed, Subject: place,
			Message: fmt.Sprintf("%s cannot be written: %v; what is logged there is lost", place, err)})
		return
	}
	d.bus.Publish(event.Event{Kind: event.LogRecovered, Subject: place,
		Message: fmt.Sprintf("%s is written again; %d lines were lost", place, lost), Attrs: map[string]any{"lines": lost}})
}
