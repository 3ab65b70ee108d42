package proxy

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// woven are put into requests by weave.
var woven = []string{
	"\r\n", "\n", "\r", "\r\n\r\n", "\n\n", "\r\r\n", " ", "\t", "\x00", "\x0b", "\x7f", ":", ";", ",", "=", "\"", "\\", "0", "1", "a", "\xa0", "\x85",
	"0\r\n\r\n", "1\r\na\r\n", "3;a=b\r\nabc\r\n", "3;a=\"b;c\"\r\nabc\r\n", "0;a\r\n", "ffffffffffffffff\r\n", evil,
	"Content-Length: 3\r\n", "Content-Length: 0\r\n", "Content-Length: " + itoa(len(evil)) + "\r\n", "Content-Length:\r\n", "content-length: 3, 3\r\n",
	"Transfer-Encoding: chunked\r\n", "Transfer-Encoding: identity\r\n", "Transfer-Encoding:\x0bchunked\r\n", "transfer-encoding: chunked, chunked\r\n",
	"Host: evil\r\n", "Host: h\r\n", "Connection: close\r\n", "Connection: keep-alive\r\n", "Connection: Content-Length\r\n",
	"Connection: Host, Transfer-Encoding\r\n", "Connection: A, B\r\n", "Connection: Expect, X-Forwarded-Host\r\n",
	"Expect: 100-continue\r\n", "Upgrade: websocket\r\nConnection: Upgrade\r\n", "TE: trailers\r\n", "Trailer: A\r\n", "A: b\r\n", "B: c\r\n",
	"A: b\r\n c\r\n", ": b\r\n", "X_Forwarded_For: b\r\n", "Transfer_Encoding: chunked\r\n",
	" HTTP/1.1\r\n", " HTTP/1.0\r\n", "GET ", "POST ", "HEAD ", "OPTIONS ", "http://evil", "http://h:80/", "https://[::1]?", "%0d%0a", "//", "/early", "/refused", "POST /refused HTTP/1.1\r\nHost: h\r\n", "#", "?", "*",
}

// weave changes raw in a few places as somebody would who knows the protocol:
// lines are doubled, moved, taken from other samples, ends of lines are bent, and
// what was made is put into a body.
func weave(raw string, random *rand.Rand) string {
	sample := func() string { return corpus[random.IntN(len(corpus))].raw }
	for range 1 + random.IntN(4) {
		lines := strings.SplitAfter(raw, "\n")
		at := random.IntN(len(lines))
		switch random.IntN(9) {
		case 0: // a line of another sample
			other := strings.SplitAfter(sample(), "\n")
			lines = slices.Insert(lines, at, other[random.IntN(len(other))])
		case 1: // a line twice
			lines = slices.Insert(lines, at, lines[random.IntN(len(lines))])
		case 2: // a line away
			lines = slices.Delete(lines, at, at+1)
		case 3: // another end
			lines[at] = strings.TrimRight(lines[at], "\r\n") + woven[random.IntN(6)]
		case 4: // another request behind
			lines = append(lines, sample())
		case 5: // a line known to make trouble
			lines = slices.Insert(lines, at, woven[random.IntN(len(woven))])
		case 6: // a request in a body
			lines = append([]string{postH + "Content-Length: " + itoa(len(raw)) + "\r\n\r\n"}, lines...)
		case 7: // the same in chunks
			cut := random.IntN(len(raw) + 1)
			lines = []string{postC, chunkOf(raw[:cut]), chunkOf(raw[cut:]), "0\r\n\r\n"}
		default: // something within
			i := random.IntN(len(lines[at]) + 1)
			lines[at] = lines[at][:i] + woven[random.IntN(len(woven))] + lines[at][i:]
		}
		raw = strings.Join(lines, "")
	}
	return raw
}

func chunkOf(data string) string {
	if data == "" {
		return ""
	}
	return strconv.FormatInt(int64(len(data)), 16) + "\r\n" + data + "\r\n"
}

// pieces cuts raw as a network may.
func pieces(raw string, random *rand.Rand) (all []string) {
	size := len(raw) + 1
	switch random.IntN(4) {
	case 0:
		size = 1
	case 1:
		size = 1 + random.IntN(64)
	case 2:
		size = 1 + random.IntN(len(raw)+1)
	}
	for len(raw) > size && len(all) < 512 {
		n := 1 + random.IntN(2*size)
		n = min(n, len(raw))
		all, raw = append(all, raw[:n]), raw[n:]
	}
	return append(all, raw)
}
