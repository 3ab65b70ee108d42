package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// setRate finds the rate for everybody, and how fast the backend itself answers at that rate.
func setRate(l *lab, r *results, bouts []*bout) error {
	at := slices.IndexFunc(bouts, func(b *bout) bool { return b.name == baseline })
	if at < 0 {
		return errors.New("HAProxy could not be started, so that there is no rate")
	}
	b := *bouts[at]
	b.length = l.options.turn // as long as it may be: all depends on it
	full, err := b.wrk()
	if err != nil {
		return err
	}
	saturation, err := perSecond(full)
	if err != nil {
		return err
	}
	l.rate = strconv.Itoa(int(saturation / 2))
	alone, err := l.load(b.ctx, b.scenario, l.reached[overTCP][0].Address, b.length, "-rate", l.rate)
	if err != nil {
		return err
	}
	r.note = fmt.Sprintf("%s requests/s are due. A proxy that serves fewer cannot keep up: its times then tell how long it was measured. A backend asked without a proxy: p50 %.2f ms, p99 %.2f ms, p99.9 %.2f ms.",
		l.rate, alone.p50.Seconds()*1000, alone.p99.Seconds()*1000, alone.p999.Seconds()*1000)
	return nil
}

func latencyTurn(b *bout) (turn, error) {
	return b.during(func() (turn, error) {
		return b.lab.load(b.ctx, b.scenario, b.address, b.length, "-rate", b.lab.rate)
	})
}
