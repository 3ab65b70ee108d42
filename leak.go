package main

import (
	"fmt"

	"github.com/drover-proxy/drover/admin"
	"github.com/drover-proxy/drover/event"
	"github.com/drover-proxy/drover/monitor"
)

// tellLeak reports a worker whose memory leaks.
func (d *drover) tellLeak(t monitor.Target, v monitor.Verdict) {
	l := leakRow(v)
	attrs := map[string]any{
		"bytesPerHour": l.BytesPerHour, "lowBytesPerHour": l.LowBytesPerHour, "highBytesPerHour": l.HighBytesPerHour,
		"limitBytes": l.LimitBytes, "secondsToLimit": l.SecondsToLimit,
	}
	if l.BytesPerRequest > 0 {
		attrs["bytesPerRequest"] = l.BytesPerRequest
	}
	if l.YoungerWorkers > 0 {
		attrs["youngerWorkers"], attrs["youngerBytes"] = l.YoungerWorkers, l.YoungerBytes
	}
	d.bus.Publish(event.Event{Kind: event.WorkerLeak, Subject: t.ID, Message: fmt.Sprintf("the memory of worker %s %s", t.ID, v), Attrs: attrs})
}

// leak is the verdict on a worker, nil unless it leaks.
func (d *drover) leak(id string) *admin.Leak {
	if v, ok := d.sampler.Leaks.Verdict(id); ok && v.Leak {
		return leakRow(v)
	}
	return nil
}

func leakRow(v monitor.Verdict) *admin.Leak {
	return &admin.Leak{
		BytesPerHour: v.Slope, LowBytesPerHour: v.Low, HighBytesPerHour: v.High, SpanSeconds: v.Span.Seconds(),
		LimitBytes: v.Limit, SecondsToLimit: v.ToLimit.Seconds(), BytesPerRequest: v.PerRequest,
		YoungerWorkers: v.Younger, YoungerBytes: v.YoungerBytes,
	}
}

// Footprint measures the memory of a worker in detail.
func (b backend) Footprint(id string) *admin.Footprint {
	f, ok := b.d.sampler.Footprint(id)
	if !ok {
		return nil
	}
	return &admin.Footprint{At: f.At, PSSBytes: f.PSS, USSBytes: f.USS, SwapBytes: f.Swap}
}
