package config

import (
	"strings"
	"testing"
)

func TestValidate_Cache(t *testing.T) {
	f := rule(t)
	c := func(inside string, want ...string) {
		t.Helper()
		f("routes:", "cache: { "+inside+" }\nroutes:", want...)
	}
	c("enabled: true, maxBytes: 1GB, maxEntryBytes: 2MB, defaultTTL: 1h, file: /tmp/none.cache")
	c("maxBytes: 1MB, maxEntryBytes: 2MB", "cache.maxEntryBytes: 2MB exceeds maxBytes 1MB; make it smaller than the maxBytes")
	c("maxEntryBytes: 3MB", "cache.maxEntryBytes: 3MB is more than a worker can send; use at most 2MB, twice the ipc.maxMessageBytes")
	c("maxEntryBytes: 3MB }\nipc: { maxMessageBytes: 2MB")
	c("maxBytes: 1, maxEntryBytes: 1", "cache.maxBytes: 1 is out of range; use 1KB to 1TB", "cache.maxEntryBytes: 1 is out of range; use 1KB to 16MB")
}

// TestValidate_DefaultEntryFits within what is written down beside it.
func TestValidate_DefaultEntryFits(t *testing.T) {
	f := func(lines string, want Size) {
		t.Helper()
		if got := parse(t, minimal+lines).Cache.MaxEntryBytes; got != want {
			t.Errorf("%s: got %s, want %s", lines, got, want)
		}
	}
	f("", megabyte)
	f("cache: { maxBytes: 100KB }\n", 100*kilobyte)
	f("ipc: { maxMessageBytes: 100KB }\n", 200*kilobyte)
	f("cache: { maxBytes: 1GB }\nipc: { maxMessageBytes: 8MB }\n", megabyte)
}

func TestValidate_WarmIsOneThingOnly(t *testing.T) {
	f := rule(t)
	w := func(inside string, want ...string) {
		t.Helper()
		f("routes:", "cache: { warm: [ { "+inside+" } ] }\nroutes:", want...)
	}
	const key, forms = "cache.warm[0]", "; write namespace, key and value, or file, or pool and path"
	w("namespace: a.b_c-D, key: k, value: [ 1 ], ttl: 1h, tags: [ t ]")
	w("file: " + write(t, "warm.json", "[]", 0o600))
	w("pool: app, path: '/warm?all=1'")
	w("", key+": puts nothing into the cache"+forms)
	w("ttl: 1s", key+": puts nothing into the cache"+forms)
	w("key: k, file: a", key+": is more than one thing"+forms)
	w("pool: app, file: a", key+": is more than one thing"+forms)
	w("value: 1", key+".key: is missing; write the key of the entry", key+".namespace: is missing; name the namespace of the entry")
	w("namespace: n, key: k", key+".value: is missing; write the value of the entry")
	w("namespace: 'a b', key: "+strings.Repeat("k", 1025)+", value: 1", key+".key: the key has 1025 bytes; use at most 1024",
		key+`.namespace: "a b" is no good as a namespace; use letters, digits and . _ -, at most 64`)
	w("namespace: n, key: k, value: 1, tags: [ ''"+strings.Repeat(", t", 32)+" ]", key+".tags: there are 33 tags; use at most 32", key+`.tags[0]: "" is no good as a tag; write 1 to 256 bytes`)
	w("namespace: n, key: k, value: "+strings.Repeat("x", 1025)+" } ], maxBytes: 1KB, file: '', warm2: [ {", `cache.warm2: unknown key; did you mean "warm"?`,
		key+".value: the value has 1027 bytes; make it smaller than the cache.maxEntryBytes 1KB")
	w("pool: app", key+".path: is missing; write the path that the worker is asked for")
	w("path: warm", key+`.path: "warm" does not begin with /; write "/warm"`, key+".pool: is missing; name the pool whose worker is asked")
	w("pool: other, path: /", key+`.pool: pool "other" has no workers; name one that has a command`)
	w("pool: gone, path: /, ttl: 0, tags: [ t ]", key+`.pool: there is no pool "gone"; add it under pools, or use one of app, other`,
		key+".tags: there is no entry; add namespace, key and value, or remove them", key+".ttl: there is no entry; add namespace, key and value, or remove it")
	const remedy = "; name a file with entries, a JSON list or one in each line; it is relative to the folder drover is started in"
	w("file: /none", key+`.file: "/none" cannot be read: no such file or directory`+remedy)
	w("file: /", key+`.file: "/" is not a file`+remedy)
}
