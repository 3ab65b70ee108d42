package ipc

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestFrame_KnowsReadyAndIgnoresTheRuntimesOwn(t *testing.T) {
	const ready, other, internal = "ready", "other", "the runtime's"
	f := func(line, want string) {
		t.Helper()
		var p parser
		var f frame
		err := p.parse([]byte(line), &f)
		got := other
		switch {
		case f.ready:
			got = ready
		case f.runtimeTraffic:
			got = internal
		}
		if err != nil || got != want || f.verb != "" {
			t.Errorf("parse(%s) = %v, verb %q, %v; want %v", line, got, f.verb, err, want)
		}
	}
	f(`"ready"`, ready)
	f(` "ready" `, ready)
	f(`{"type":"ready"}`, ready)
	f(`{"type":"ready","extra":[1,2]}`, ready)
	f(`"Ready"`, other)
	f(`{"hello":"worker"}`, other)
	f(`{"type":7}`, other)
	f(`{"drover":7}`, other)
	f(`null`, other)
	f(`[]`, other)
	f(`{"cmd":"NODE_HANDLE","type":"ready"}`, internal)
	f(`{"cmd":"start","type":"ready"}`, ready)
}

func TestFrame_SaysWhatIsNotJSON(t *testing.T) {
	for _, line := range []string{"", "ready", "{", `"ready`, `{"type":"ready"} x`, `{"type":"ready"}{}`, `{"a":1,"a":2}`, "\"\xff\"", `1 2`} {
		var p parser
		var f frame
		if err := p.parse([]byte(line), &f); err == nil {
			t.Errorf("parse(%q) gave no error", line)
		}
	}
}

// each calls f with each line that is read from r in pieces.
func (l *lines) each(r io.Reader, f func(line []byte, tooLong bool)) error {
	for {
		n, err := r.Read(l.space())
		l.took(n)
		for {
			line, tooLong, ok := l.next()
			if !ok {
				break
			}
			f(line, tooLong)
		}
		if err != nil {
			if line, tooLong, ok := l.last(); ok {
				f(line, tooLong)
			}
			return err
		}
	}
}

func TestLines_SkipsWhatIsTooLongAndGoesOn(t *testing.T) {
	const limit = 16 << 10
	f := func(in string, wantLines []string, wantSkipped int) {
		t.Helper()
		var got []string
		skipped := 0
		err := newLines(limit).each(iotest.HalfReader(strings.NewReader(in)), func(line []byte, tooLong bool) {
			if tooLong {
				skipped++
			} else {
				got = append(got, string(line))
			}
		})
		if !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		if strings.Join(got, "|") != strings.Join(wantLines, "|") || len(got) != len(wantLines) || skipped != wantSkipped {
			t.Errorf("lines of %d bytes: %d lines, %d skipped; want %d, %d", len(in), len(got), skipped, len(wantLines), wantSkipped)
		}
	}
	long := strings.Repeat("x", 5*limit)
	f("", nil, 0)
	f("a\nb\r\n", []string{"a", "b"}, 0)
	f("a\nlast", []string{"a", "last"}, 0)
	f("\n", []string{""}, 0)
	f(long+"\n\"ready\"\n", []string{`"ready"`}, 1)
	f(long, nil, 1)
	f("a\n"+long+"\n"+long+"\nb\n", []string{"a", "b"}, 2)
	f(long[:limit]+"\n"+long[:limit+1]+"\n", []string{long[:limit]}, 1)
}

func FuzzFrame(f *testing.F) {
	for _, s := range []string{`"ready"`, `{"type":"ready"}`, `{"cmd":"NODE_X"}`, "\n", `[[[[`, "\x00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		total := 0
		var p parser
		_ = newLines(64).each(bytes.NewReader(data), func(line []byte, tooLong bool) {
			if tooLong {
				return
			}
			if total += len(line); total > len(data) || len(line) > 64 {
				t.Fatal("lines hold more than was written, or than they may")
			}
			if bytes.ContainsRune(line, '\n') {
				t.Fatal("a line holds a line end")
			}
			var f frame
			if err := p.parse(line, &f); err == nil && !json.Valid(line) {
				t.Fatalf("%q is no JSON and was taken", line)
			}
		})
	})
}
