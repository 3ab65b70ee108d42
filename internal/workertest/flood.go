package workertest

import (
	"bytes"
	"fmt"
	"os"
	"time"
)

// flood serves, and writes lines to stdout as fast as they are taken.
func flood(args []string) {
	l := listen()
	lines, size := number(args, 0, 1000), number(args, 1, 1000)
	go func() {
		begun := time.Now()
		if err := writeLines(lines, size); err != nil {
			fail("write to stdout: %v", err)
		}
		if err := os.Setenv("FLOODED", fmt.Sprint(time.Since(begun).Seconds())); err != nil {
			fail("%v", err)
		}
	}()
	serve(l)
}

// writeLines writes lines of size bytes, many at a time where they are short.
func writeLines(lines, size int) error {
	const atOnce = 1 << 20
	line := append(bytes.Repeat([]byte("x"), size-1), '\n')
	copy(line, "flood ")
	if size > atOnce {
		for range lines {
			for rest := line; len(rest) > 0; rest = rest[min(atOnce, len(rest)):] {
				if _, err := os.Stdout.Write(rest[:min(atOnce, len(rest))]); err != nil {
					return err
				}
			}
		}
		return nil
	}
	block := bytes.Repeat(line, max(atOnce/size, 1))
	for rest := lines; rest > 0; {
		n := min(rest, len(block)/size)
		if _, err := os.Stdout.Write(block[:n*size]); err != nil {
			return err
		}
		rest -= n
	}
	return nil
}
