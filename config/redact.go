package config

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// hidden stands where a secret was.
const hidden = "(hidden)"

// Redacted returns a copy without secrets, to be shown to operators: tokens,
// the values of pools' env and of the cache's entries, and the values of
// headers that carry credentials.
func (c *Config) Redacted() *Config {
	out := *c
	out.Admin.Tokens = slices.Clone(c.Admin.Tokens)
	for i := range out.Admin.Tokens {
		t := &out.Admin.Tokens[i]
		if t.Token != "" {
			t.Token = hidden
		}
		if t.TokenSHA256 != "" {
			t.TokenSHA256 = hidden
		}
	}
	out.Cache.Warm = slices.Clone(c.Cache.Warm)
	for i := range out.Cache.Warm {
		if w := &out.Cache.Warm[i]; w.Value != "" {
			w.Value = Value(strconv.Quote(hidden))
		}
	}
	out.Pools = maps.Clone(c.Pools)
	for name, p := range out.Pools {
		shown := *p
		shown.Env = hide(p.Env, func(string) bool { return true })
		out.Pools[name] = &shown
	}
	out.Routes = slices.Clone(c.Routes)
	for i := range out.Routes {
		r := &out.Routes[i]
		r.Match.Headers = hide(r.Match.Headers, credential)
		r.Headers.Request.Set = hide(r.Headers.Request.Set, credential)
		r.Headers.Response.Set = hide(r.Headers.Response.Set, credential)
	}
	return &out
}

// hide returns a copy of values with those of secret names replaced.
func hide(values map[string]string, secret func(name string) bool) map[string]string {
	out := maps.Clone(values)
	for name := range out {
		if secret(name) {
			out[name] = hidden
		}
	}
	return out
}

// credential reports whether a header's name says that its value is a secret.
func credential(header string) bool {
	name := strings.ToLower(header)
	for _, word := range []string{"auth", "cookie", "token", "secret", "key", "password"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}
