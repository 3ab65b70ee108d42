package proxy

import (
	"bufio"
	"bytes"
	"io"
	"net/http/httputil"
	"strings"
	"testing"
)

// What is taken as a body in chunks is one to the standard library as well, with
// the same bytes in it and the same bytes behind it.
func FuzzChunk_WhatIsTakenMeansTheSameElsewhere(f *testing.F) {
	for _, s := range []string{
		"0\r\n\r\n", "1\r\na\r\n0\r\n\r\n", "3;x=y\r\nabc\r\n0\r\nA: b\r\n\r\nrest", "a\r\n0123456789\r\n00\r\n\r\n",
		"1\r\nab\r\n", "1;\"\n\"\r\na\r\n0\r\n\r\n", "F\r\n", "-1\r\n", "1\na\n0\n\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ours := bufio.NewReader(strings.NewReader(s))
		var c chunkReader
		c.begin(ours)
		got, err := io.ReadAll(&c)
		if err != nil {
			return
		}
		rest, _ := io.ReadAll(ours)
		theirs := bufio.NewReader(strings.NewReader(s))
		want, err := io.ReadAll(httputil.NewChunkedReader(theirs))
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%q: %q here, %q (%v) there", s, got, want, err)
		}
		for { // the standard library leaves the trailer to its caller
			line, err := theirs.ReadString('\n')
			if err != nil {
				t.Fatalf("%q: the trailer does not end there", s)
			}
			if line == "\r\n" {
				break
			}
		}
		if other, _ := io.ReadAll(theirs); !bytes.Equal(rest, other) {
			t.Fatalf("%q: %q is left here, %q there", s, rest, other)
		}
	})
}
