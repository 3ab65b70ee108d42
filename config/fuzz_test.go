package config

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// FuzzParse holds for every file: no panic, an end in bounded time, faults
// with a place and a remedy, and settings that can be written and read back.
func FuzzParse(f *testing.F) {
	f.Add([]byte(minimal))
	// Small ones: go test spends a minute to make each find on a large one smaller.
	for _, extra := range []string{
		"    workers: ${A}\n", "    queue: &q { length: 5 }\n  b: { <<: *q }\n", "    env: { A: '$$', B: \"${A:-x}\" }\n",
		"    upstreams: [ { address: 'a:80', weight: 0 } ]\n", "admin: { tokens: [ { name: a, role: viewer, token: ${OPS} } ] }\n",
		"routes: [ { match: { path: /v1, headers: { X-A: '' } }, pool: app, stripPrefix: /v1 } ]\n", "logging: { files: [ { path: a, maxSize: 1MB } ] }\n",
		"cache: { warm: [ { namespace: n, key: k, value: { a: [ 1, 0x1f, \"${A}\" ] } } ] }\n", "cache: { warm: [ { value: &a [ *a ] } ] }\n",
	} {
		f.Add([]byte(minimal + extra))
	}
	f.Add([]byte("a: &a {<<: *a}\nserver: *a\n"))
	f.Add([]byte("server:\n\tx: ${A:-$$}\n"))
	vars := env(map[string]string{"A": "1", "OPS": "x", "E": "", "BAD": "a\nb: c"})
	f.Fuzz(func(t *testing.T, data []byte) {
		late := time.AfterFunc(20*time.Second, func() { panic(fmt.Sprintf("no end with %q", data)) })
		c, err := Parse("f", data, vars)
		late.Stop()
		if err != nil {
			var faults Faults
			if !errors.As(err, &faults) || len(faults) == 0 {
				t.Fatalf("the error is %T", err)
			}
			for _, fault := range faults {
				if fault.Line < 1 || fault.Problem == "" || fault.Remedy == "" {
					t.Fatalf("incomplete fault %#v", fault)
				}
			}
			return
		}
		shown, err := c.Effective()
		if err != nil {
			t.Fatalf("cannot be written: %v", err)
		}
		back, err := Parse("shown", shown, noEnv)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, shown)
		}
		copy(back.Admin.Tokens, c.Admin.Tokens) // written as their SHA-256
		if d := Compare(c, back); !d.Empty() {
			t.Fatalf("what was written differs: %+v\n%s", d, shown)
		}
	})
}

// FuzzParseEnv holds that the parser ends and gives only KEY=VALUE.
func FuzzParseEnv(f *testing.F) {
	f.Add("A=1\nexport B='x\ny' # c\nC=\"\\n\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		vars, line, err := parseEnv(text)
		if line < 1 || err != nil && len(vars) != 0 {
			t.Fatalf("got %q, line %d, %v", vars, line, err)
		}
		for _, entry := range vars {
			for i := 0; ; i++ {
				if i == len(entry) || entry[i] == 0 {
					t.Fatalf("got %q", entry)
				}
				if entry[i] == '=' {
					break
				}
			}
		}
	})
}
