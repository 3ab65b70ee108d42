package exchange

import (
	"bytes"
	"fmt"
	"io"
	"net/http/httputil"
	"strings"
	"testing"
)

// decodeAll decodes b in pieces of step bytes, and gives the data and what was
// used.
func decodeAll(d *decoder, b []byte, step int) (data []byte, used int, err error) {
	d.begin()
	for used < len(b) && !d.done() {
		piece := bytes.Clone(b[used:min(used+step, len(b))])
		n, k, err := d.decode(piece)
		data = append(data, piece[:n]...)
		used += k
		if err != nil {
			return data, used, err
		}
		if k != len(piece) && !d.done() {
			return data, used, fmt.Errorf("stopped early")
		}
	}
	return data, used, nil
}

func TestDecoder_TakesChunksInAnyPieces(t *testing.T) {
	f := func(in, want, rest string, trailer ...string) {
		t.Helper()
		for step := 1; step <= len(in); step++ {
			var d decoder
			data, used, err := decodeAll(&d, []byte(in), step)
			if string(data) != want || in[used:] != rest || err != nil || !d.done() {
				t.Errorf("%q by %d: %q, rest %q, %v, done %v", in, step, data, in[used:], err, d.done())
			}
			var got []string
			for _, f := range d.trailer {
				got = append(got, string(f.Name)+"="+string(f.Value))
			}
			if strings.Join(got, ";") != strings.Join(trailer, ";") {
				t.Errorf("%q: trailer %q", in, got)
			}
		}
	}
	f("0\r\n\r\n", "", "")
	f("3\r\nabc\r\n0\r\n\r\n", "abc", "")
	f("00003\r\nabc\r\n000\r\n\r\nrest", "abc", "rest")
	f("1\r\na\r\nA\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", "a01234567890123456789", "")
	f("3;x\r\nabc\r\n0;y=\"z\"\r\n\r\n", "abc", "")
	f("3;x=\"\\\"y\" ; z\r\nabc\r\n0\r\n\r\n", "abc", "")
	f("3\r\n\r\n\r\r\n0\r\n\r\n", "\r\n\r", "")
	f("1\r\na\r\n0\r\nX-A: b\r\nx-c:d\r\n\r\nrest", "a", "rest", "X-A=b", "x-c=d")
	f("0\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n", "", "", "X=y")
}

func TestDecoder_RefusesWhatMayBeReadOtherwise(t *testing.T) {
	f := func(in string) {
		t.Helper()
		for _, step := range []int{1, 3, len(in)} {
			var d decoder
			if data, _, err := decodeAll(&d, []byte(in), step); err == nil {
				t.Errorf("%q by %d: %q, done %v", in, step, data, d.done())
			}
		}
	}
	f("\r\n")
	f(";\r\n")
	f(" 3\r\nabc\r\n")
	f("3 \r\nabc\r\n")
	f("+3\r\nabc\r\n")
	f("-3\r\nabc\r\n")
	f("0x3\r\nabc\r\n")
	f("g\r\n")
	f("3\nabc\r\n")
	f("3\r\rabc\r\n")
	f("3;a\nabc\r\n")
	f("3;a\r0\r\n")
	f("3;a\x00b\r\nabc\r\n")
	f("3;a=\"\r\nabc\r\n")
	f("3;a=\"\\\"\r\nabc\r\n")
	f("3;a=\"\\\r\n\"\r\nabc\r\n")
	f("3\r\nabcd\r\n")
	f("3\r\nabc\n0\r\n\r\n")
	f("3\r\nabc\r0\r\n\r\n")
	f("8000000000000000\r\n")
	f("10000000000000003\r\nabc\r\n")
	f("0\r\nX: y\n\r\n")
	f("0\r\n\n")
	f("0\r\nX : y\r\n\r\n")
	f("0\r\nX\r\n\r\n")
	f("0\r\nX: y\r\n z\r\n\r\n")
	f("0\r\nX: \x01\r\n\r\n")
	f("3;" + strings.Repeat("x", maxSizeLine))
	f(strings.Repeat("1;"+strings.Repeat("x", 200)+"\r\na\r\n", 200))
	f("0\r\nX: " + strings.Repeat("x", maxTrailer))
	f("0\r\n" + strings.Repeat("X:\r\n", maxFields+1) + "\r\n")
}

func TestDecoder_TakesManySmallChunks(t *testing.T) {
	var d decoder
	data, _, err := decodeAll(&d, []byte(strings.Repeat("1\r\na\r\n", 100_000)), 4096)
	if len(data) != 100_000 || err != nil {
		t.Errorf("%d %v", len(data), err)
	}
}

// FuzzDecoder: in pieces or at once the result is the same; what we accept,
// net/http decodes to the same data.
func FuzzDecoder(f *testing.F) {
	for _, s := range []string{
		"3\r\nabc\r\n0\r\n\r\n", "0\r\n\r\nrest", "1;x=y\r\na\r\n0\r\nX: y\r\n\r\n",
		"ffffffffffffffff\r\na", "3\nabc\n0\n\n", "5\r\nab", "3 \r\nabc\r\n0\r\n\r\n",
	} {
		f.Add([]byte(s), uint8(3))
	}
	f.Fuzz(func(t *testing.T, b []byte, step uint8) {
		var d, e decoder
		data, used, err := decodeAll(&d, b, int(step)+1)
		again, usedAgain, errAgain := decodeAll(&e, b, len(b)+1)
		if (err == nil) != (errAgain == nil) || d.done() != e.done() {
			t.Fatalf("in pieces %v, at once %v", err, errAgain)
		}
		if err != nil {
			return
		}
		if !bytes.Equal(data, again) || used != usedAgain {
			t.Fatalf("in pieces %q %d, at once %q %d", data, used, again, usedAgain)
		}
		if !d.done() {
			return
		}
		ref, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(b[:used])))
		if err != nil || !bytes.Equal(ref, data) {
			t.Fatalf("%q; net/http: %q %v", data, ref, err)
		}
	})
}
