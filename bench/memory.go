package main

import (
	"fmt"
	"path/filepath"
	"time"
)

// memoryTurn moves one large body on each connection, all at the same time, and looks at the most memory
// that the peer has had since it started.
func memoryTurn(b *bout) (turn, error) {
	if b.lab.options.quick {
		b.scenario.size, b.scenario.connections = sizeOf10m, 8
	}
	return b.anew(func(b *bout) (turn, error) {
		file := b.lab.file(b.scenario.size)
		args := []string{"-bodies", "1"}
		if b.scenario.backends == sinks {
			args = append(args, "-upload", file)
		} else {
			b.scenario.path = "/files/" + filepath.Base(file)
		}
		before := b.child.rss()
		got, err := b.during(func() (turn, error) {
			return b.lab.load(b.ctx, b.scenario, b.address, time.Minute, args...)
		})
		if err != nil {
			return turn{}, err
		}
		if got.rss, err = b.child.peakRSS(); err != nil {
			return turn{}, fmt.Errorf("peak of memory: %w", err)
		}
		got.grown = got.rss - before
		return got, nil
	})
}

func memoryColumns() []column {
	growth := median("of it under load, MB", "%.1f", func(t turn) (float64, error) { return float64(t.grown) / (1 << 20), nil })
	return []column{growth, median("CPU ms/GB", "%.0f", perGB), bytesColumn}
}
