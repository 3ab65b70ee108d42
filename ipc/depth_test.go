package ipc

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
)

func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

func TestDepth_CountsBracketsOutsideOfStrings(t *testing.T) {
	f := func(text string, depth int) {
		t.Helper()
		if !json.Valid([]byte(text)) {
			t.Fatalf("%s is no JSON", text)
		}
		for limit := range depth + 3 {
			if got := tooDeep([]byte(text), limit); got != (depth > limit) {
				t.Errorf("%.60s is deeper than %d: %v", text, limit, got)
			}
		}
	}
	f(`42`, 0)
	f(`"[[[["`, 0)
	f(`"\"[[[["`, 0)
	f(`[]`, 1)
	f(`{}`, 1)
	f(`[[],[],[],[]]`, 2)
	f(`{"a":{"b":[1,{"c":2}]}}`, 4)
	f(`{"a":{},"b":{},"c":[{}]}`, 3)
	f(`["\\",["\\\"",[]]]`, 3)
	f(`{"[[[":"\\","]]]":["\\\\"]}`, 2)
	f(nested(64), 64)
	f(nested(9000), 9000)
}

// depthByDecoder is the depth according to encoding/json.
func depthByDecoder(t *testing.T, text []byte) int {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber() // 1e2100 is JSON, too
	depth, deepest := 0, 0
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return deepest
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token {
		case json.Delim('['), json.Delim('{'):
			depth++
			deepest = max(deepest, depth)
		case json.Delim(']'), json.Delim('}'):
			depth--
		}
	}
}

func FuzzDepth(f *testing.F) {
	for _, s := range []string{`42`, `"[\"["`, `{"a":[{},["\\"]]}`, `[[[["\\\\\"]"]]]]`, ` [ ] `, `"é["`, `{"[":{"{":[]}}`, `1E2100`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !json.Valid(text) {
			tooDeep(text, 1) // may say anything, but ends
			return
		}
		depth := depthByDecoder(t, text)
		for limit := max(depth-2, 0); limit < depth+2; limit++ {
			if got := tooDeep(text, limit); got != (depth > limit) {
				t.Fatalf("%q is %d deep; tooDeep(%d) = %v", text, depth, limit, got)
			}
		}
	})
}

func BenchmarkDepth(b *testing.B) {
	f := func(name, text string) {
		json := []byte(text)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if tooDeep(json, 64) {
					b.Fatal("too deep")
				}
			}
		})
	}
	f("small", `{"sku":42,"price":3.5,"tags":["a","b"]}`)
	f("strings", `[`+strings.Repeat(`["`+strings.Repeat("text ", 200)+`"],`, 1000)+`0]`)
	f("numbers", `[`+strings.Repeat(`[1,2,3],`, 10000)+`0]`)
}
