package drover

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
)

func TestLines_CutsAStreamWhereverItComesApart(t *testing.T) {
	long := strings.Repeat("x", 200_000)
	text := "a\n\n" + long + "\nb\n" + strings.Repeat("y", 3<<20) + "\nc\nno end"
	for name, r := range map[string]io.Reader{"whole": strings.NewReader(text), "halves": iotest.HalfReader(strings.NewReader(text)), "bytes": iotest.OneByteReader(strings.NewReader(text))} {
		l := newLines(r)
		var got []int
		for {
			line, err := l.next()
			if err != nil {
				break
			}
			got = append(got, len(line))
		}
		if want := []int{1, 0, len(long), 1, 3 << 20, 1}; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: lines of %v bytes, want %v", name, got, want)
		}
		if cap(l.long) > 1<<20 {
			t.Errorf("%s: %d bytes are kept", name, cap(l.long))
		}
	}
}

// What comes from drover may be anything: the reader never panics, and reads no
// frame out of what is not one JSON object.
func FuzzClientReadsAnything(f *testing.F) {
	for _, seed := range []string{greeting, encrypted, `{"drover":"message","seq":7,"from":"app-1.1","type":"t","data":{}}`,
		`{"drover":"request","id":31,"from":"app-1.1","type":"price.get","data":42,"timeoutMs":2000}`, `{"drover":"cancel","id":31}`,
		`{"drover":"drop","namespace":"users","keys":["7"]}`, `{"drover":"reply","id":2,"data":[true,[{"name":"Ada"},60000],null]}`,
		`{"drover":"event","time":"2026-01-02T15:04:05.678Z","kind":"worker-ready"}`, `{"drover":"ping","id":3}`, `{"drover":"shutdown","graceSeconds":-1}`,
		`"ready"`, "{}\n[]\n", `{"drover":"request","id":1,"from":"-.","type":"t","timeoutMs":-1}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for line := range bytes.Lines(data) {
			if frame, ok := parseFrame(line); ok && (!json.Valid(line) || bytes.TrimSpace(line)[0] != '{' || frame.Verb == "") {
				t.Errorf("%q is read as a frame", line)
			}
		}
		ours, theirs := net.Pipe()
		go func() { // drover reads what the client writes, whatever it is
			_, _ = io.Copy(io.Discard, ours)
		}()
		c := newUnconnected(theirs)
		c.near.open("users")
		c.Handle("*", func(_ context.Context, m Message) (any, error) { return m.Data, nil })
		go c.run()
		_, _ = ours.Write(append(data, '\n')) // the client may have closed
		_ = ours.Close()
		<-c.ended
	})
}
