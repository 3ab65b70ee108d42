package main

import (
	"bytes"
	"fmt"
	"strconv"
)

var (
	headEnd       = []byte("\r\n\r\n")
	lineEnd       = []byte("\r\n")
	contentLength = []byte("content-length:")
)

// answerLength returns how long the answer that raw begins with is, head and body, or 0 while not all of
// its head is there. An answer other than 200 with a body of size bytes is an error.
func answerLength(raw []byte, size int64) (int64, error) {
	end := bytes.Index(raw, headEnd)
	if end < 0 {
		return 0, nil
	}
	line, rest, _ := bytes.Cut(raw[:end], lineEnd)
	if !bytes.HasPrefix(line, []byte("HTTP/1.1 200")) {
		return 0, fmt.Errorf("answer %q", line)
	}
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, lineEnd)
		if len(line) < len(contentLength) || !bytes.EqualFold(line[:len(contentLength)], contentLength) {
			continue
		}
		length, err := strconv.ParseInt(string(bytes.TrimSpace(line[len(contentLength):])), 10, 64)
		if err != nil || length != size {
			return 0, fmt.Errorf("answer with %q, not of %d bytes", line, size)
		}
		return int64(end+len(headEnd)) + length, nil
	}
	return 0, fmt.Errorf("answer without Content-Length")
}
