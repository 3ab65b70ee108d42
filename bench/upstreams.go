package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// strategies are drover's. The nearest of the others' are in peers(): where they have none, least-response-time
// stands beside least connections, and health-aware beside weighted round-robin.
var strategies = []string{"round-robin", "least-connections", "weighted-round-robin", "health-aware", "random", "power-of-two", "least-response-time", "consistent-hash"}

// fewUpstreams and manyUpstreams are compared.
const fewUpstreams, manyUpstreams = 2, 1000

// upstreamsTurnLength is short: there are many turns.
const upstreamsTurnLength = time.Second

// measureUpstreams lets the peers take turns under each strategy, all in one table.
func measureUpstreams(l *lab, ctx context.Context, s scenario) (outcome, error) {
	var rows, rest strings.Builder
	var errs []error
	r := newResults(s, l.dir)
	for _, s.strategy = range strategies {
		one, err := l.turns(ctx, s)
		if err != nil {
			return outcome{}, err
		}
		rows.WriteString(one.rows(" " + s.strategy + " |"))
		if err := one.err(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.strategy, err))
		}
		rest.WriteString(one.rest())
	}
	return outcome{table: r.title() + r.head(" strategy |") + rows.String() + rest.String()}, errors.Join(errs...)
}

// upstreamsTurn is one with few upstreams and one with many.
func upstreamsTurn(b *bout) (turn, error) {
	b.length = min(b.length, upstreamsTurnLength)
	if b.lab.options.quick {
		return b.amongUpstreams(manyUpstreams)
	}
	few, err := b.amongUpstreams(fewUpstreams)
	if err != nil {
		return turn{}, fmt.Errorf("%d upstreams: %w", fewUpstreams, err)
	}
	t, err := b.amongUpstreams(manyUpstreams)
	if err != nil {
		return turn{}, fmt.Errorf("%d upstreams: %w", manyUpstreams, err)
	}
	t.few, err = perRequest(few)
	return t, err
}

// amongUpstreams loads a peer that has n of them. The warm-up is enough for a connection to each, so that
// what is measured is that they are used again.
func (b *bout) amongUpstreams(n int) (turn, error) {
	b.scenario.upstreams = n
	return b.anew(func(b *bout) (turn, error) {
		if err := b.warmUp(wrkTurn); err != nil {
			return turn{}, err
		}
		before, err := connects()
		if err != nil {
			return turn{}, err
		}
		t, err := wrkTurn(b)
		if err != nil {
			return turn{}, err
		}
		after, err := connects()
		t.connects = after - before
		return t, err
	})
}

var activeOpens = regexp.MustCompile(`Tcp: (?:\w+ ){4}ActiveOpens .*\nTcp: (?:-?\d+ ){4}(\d+) `)

// connects returns how many connections have been opened on this machine.
func connects() (int64, error) {
	raw, err := os.ReadFile("/proc/net/snmp")
	if err != nil {
		return 0, err
	}
	return parseConnects(string(raw))
}

func parseConnects(snmp string) (int64, error) {
	found := activeOpens.FindStringSubmatch(snmp)
	if found == nil {
		return 0, fmt.Errorf("/proc/net/snmp names no connections:\n%s", snmp)
	}
	return strconv.ParseInt(found[1], 10, 64)
}

func upstreamsColumns() []column {
	few := func(t turn) (float64, error) {
		if t.few == 0 {
			return 0, errNothing
		}
		return t.few, nil
	}
	manyToFew := func(t turn) (float64, error) {
		cost, err := perRequest(t)
		if err != nil {
			return 0, err
		}
		return over(cost, t.few)
	}
	opened := func(t turn) (float64, error) { return over(1000*float64(t.connects), float64(t.requests)) }
	return []column{median("at 2", "%.1f", few), against("× HAProxy at 2", few), median("1,000 : 2", "%.2f", manyToFew),
		requestsColumn, median("connects per 1,000 requests", "%.1f", opened), rssColumn}
}
