package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// onLoadCore runs a program that loads a proxy and returns what it prints.
func (l *lab) onLoadCore(ctx context.Context, length time.Duration, program string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, length+loadTimeout)
	defer cancel()
	if built, ok := l.bins[program]; ok {
		program = built
	}
	name, args := l.pinned(loadCore, program, args)
	var complaint strings.Builder
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s%s", program, err, out, complaint.String())
	}
	return out, nil
}

// loadTimeout is what a load may take beyond its length: the last bodies of the slowest proxy.
const loadTimeout = 30 * time.Second

// load runs our own load, which checks status and length of each answer.
func (l *lab) load(ctx context.Context, s scenario, address string, length time.Duration, more ...string) (turn, error) {
	args := []string{"-path", s.path, "-size", strconv.FormatInt(s.size, 10), "-connections", strconv.Itoa(s.connections), "-length", length.String()}
	out, err := l.onLoadCore(ctx, length, "load", append(append(args, more...), address)...)
	if err != nil {
		return turn{}, err
	}
	return parseLoad(out)
}

// parseLoad reads the report of bench/load.
func parseLoad(out []byte) (turn, error) {
	var got struct {
		Requests, Bytes         int64
		Elapsed, P50, P99, P999 time.Duration
	}
	if err := json.Unmarshal(out, &got); err != nil {
		return turn{}, fmt.Errorf("the report of load is not understood: %w\n%s", err, out)
	}
	if got.Requests == 0 {
		return turn{}, errNothing
	}
	return turn{requests: got.Requests, bytes: float64(got.Bytes), elapsed: got.Elapsed, p50: got.P50, p99: got.P99, p999: got.P999}, nil
}
