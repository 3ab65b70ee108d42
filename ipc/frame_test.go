package ipc

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestFrame_KnowsReadyAndIgnoresTheRuntimesOwn(t *testing.T) {
	f := func(line string, want frameKind) {
		t.Helper()
		got, err := parseFrame([]byte(line))
		if err != nil || got != want {
			t.Errorf("parseFrame(%s) = %v, %v; want %v", line, got, err, want)
		}
	}
	f(`"ready"`, frameReady)
	f(` "ready" `, frameReady)
	f(`{"type":"ready"}`, frameReady)
	f(`{"type":"ready","extra":[1,2]}`, frameReady)
	f(`"Ready"`, frameOther)
	f(`{"hello":"worker"}`, frameOther)
	f(`{"type":7}`, frameOther)
	f(`null`, frameOther)
	f(`[]`, frameOther)
	f(`{"cmd":"NODE_HANDLE","type":"ready"}`, frameInternal)
	f(`{"cmd":"start","type":"ready"}`, frameReady)
}

func TestFrame_SaysWhatIsNotJSON(t *testing.T) {
	for _, line := range []string{"", "ready", "{", `"ready`, `{"type":"ready"} x`} {
		if _, err := parseFrame([]byte(line)); err == nil {
			t.Errorf("parseFrame(%q) gave no error", line)
		}
	}
}

func TestLines_SkipsWhatIsTooLongAndGoesOn(t *testing.T) {
	f := func(in string, wantLines []string, wantSkipped int) {
		t.Helper()
		l := newLines(iotest.HalfReader(strings.NewReader(in)))
		var got []string
		skipped := 0
		for {
			line, tooLong, err := l.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if tooLong {
				skipped++
				continue
			}
			got = append(got, string(line))
		}
		if strings.Join(got, "|") != strings.Join(wantLines, "|") || len(got) != len(wantLines) || skipped != wantSkipped {
			t.Errorf("lines of %d bytes: %d lines, %d skipped; want %d, %d", len(in), len(got), skipped, len(wantLines), wantSkipped)
		}
	}
	long := strings.Repeat("x", 5*MaxFrame)
	f("", nil, 0)
	f("a\nb\r\n", []string{"a", "b"}, 0)
	f("a\nlast", []string{"a", "last"}, 0)
	f("\n", []string{""}, 0)
	f(long+"\n\"ready\"\n", []string{`"ready"`}, 1)
	f(long, nil, 1)
	f("a\n"+long+"\n"+long+"\nb\n", []string{"a", "b"}, 2)
}

func FuzzFrame(f *testing.F) {
	for _, s := range []string{`"ready"`, `{"type":"ready"}`, `{"cmd":"NODE_X"}`, "\n", `[[[[`, "\x00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l := newLines(bytes.NewReader(data))
		total := 0
		for {
			line, tooLong, err := l.next()
			if err != nil {
				break
			}
			if tooLong {
				continue
			}
			if total += len(line); total > len(data) {
				t.Fatal("lines hold more than was written")
			}
			if bytes.ContainsRune(line, '\n') {
				t.Fatal("a line holds a line end")
			}
			kind, err := parseFrame(line)
			if err != nil && kind != frameOther {
				t.Fatalf("%q is no JSON and yet means %v", line, kind)
			}
		}
	})
}
