package config

import (
	"fmt"
	"os"
	"regexp"
)

var cacheNamespace = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

const (
	longestCacheKey = 1024
	longestCacheTag = 256
	mostCacheTags   = 32
)

func (v *validator) cache() {
	c := v.c.Cache
	switch frame := 2 * v.c.IPC.MaxMessageBytes; {
	case c.MaxEntryBytes > c.MaxBytes:
		v.fault("cache.maxEntryBytes", fmt.Sprintf("%s exceeds maxBytes %s", c.MaxEntryBytes, c.MaxBytes), "make it smaller than the maxBytes")
	case c.MaxEntryBytes > frame:
		v.fault("cache.maxEntryBytes", fmt.Sprintf("%s is more than a worker can send", c.MaxEntryBytes), fmt.Sprintf("use at most %s, twice the ipc.maxMessageBytes", frame))
	}
	v.ownFile("cache.file", c.File)
	if c.File != "" && c.File == v.c.IPC.Audit.File {
		v.fault("cache.file", quote(c.File)+" is already ipc.audit.file", "choose another file")
	}
	for i, w := range c.Warm {
		v.warm(index("cache.warm", i), w)
	}
}

// warm lets an entry be one thing only, with nothing that belongs to another.
func (v *validator) warm(key string, w Warm) {
	entry := w.Namespace != "" || w.Key != "" || w.Value != ""
	request := w.Pool != "" || w.Path != ""
	kinds := 0
	for _, is := range []bool{entry, w.File != "", request} {
		if is {
			kinds++
		}
	}
	const forms = "write namespace, key and value, or file, or pool and path"
	switch {
	case kinds == 0:
		v.missing(key, "puts nothing into the cache", forms)
		return
	case kinds > 1:
		v.fault(key, "is more than one thing", forms)
		return
	case entry:
		v.warmEntry(key, w)
		return
	case request:
		v.warmRequest(key, w)
	default:
		v.warmFile(key+".file", w.File)
	}
	if w.TTL != nil {
		v.fault(key+".ttl", "there is no entry", "add namespace, key and value, or remove it")
	}
	if len(w.Tags) > 0 {
		v.fault(key+".tags", "there is no entry", "add namespace, key and value, or remove them")
	}
}

func (v *validator) warmEntry(key string, w Warm) {
	switch {
	case w.Namespace == "":
		v.missing(key+".namespace", "is missing", "name the namespace of the entry")
	case !cacheNamespace.MatchString(w.Namespace):
		v.fault(key+".namespace", quote(w.Namespace)+" is no good as a namespace", "use letters, digits and . _ -, at most 64")
	}
	switch {
	case w.Key == "":
		v.missing(key+".key", "is missing", "write the key of the entry")
	case len(w.Key) > longestCacheKey:
		v.fault(key+".key", fmt.Sprintf("the key has %d bytes", len(w.Key)), fmt.Sprintf("use at most %d", longestCacheKey))
	}
	if size, most := Size(len(w.Value)), v.c.Cache.MaxEntryBytes; w.Value == "" {
		v.missing(key+".value", "is missing", "write the value of the entry")
	} else if size > most {
		v.fault(key+".value", fmt.Sprintf("the value has %d bytes", size), fmt.Sprintf("make it smaller than the cache.maxEntryBytes %s", most))
	}
	if len(w.Tags) > mostCacheTags {
		v.fault(key+".tags", fmt.Sprintf("there are %d tags", len(w.Tags)), fmt.Sprintf("use at most %d", mostCacheTags))
	}
	for i, tag := range w.Tags {
		if tag == "" || len(tag) > longestCacheTag {
			v.fault(index(key+".tags", i), quote(tag)+" is no good as a tag", fmt.Sprintf("write 1 to %d bytes", longestCacheTag))
		}
	}
}

func (v *validator) warmRequest(key string, w Warm) {
	if w.Pool == "" {
		v.missing(key+".pool", "is missing", "name the pool whose worker is asked")
	} else {
		v.poolExists(key+".pool", w.Pool)
		v.hasWorkers(key+".pool", w.Pool)
	}
	if w.Path == "" {
		v.missing(key+".path", "is missing", "write the path that the worker is asked for")
	} else {
		v.refuse(key+".path", checkEndpoint(w.Path))
	}
}

func (v *validator) warmFile(key, path string) {
	const remedy = "name a file with entries, a JSON list or one in each line; it is relative to the folder drover is started in"
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		v.fault(key, quote(path)+" is not a file", remedy)
		return
	}
	file, err := os.Open(path)
	if err != nil {
		v.fault(key, fmt.Sprintf("%s cannot be read: %v", quote(path), cause(err)), remedy)
		return
	}
	_ = file.Close() // nothing was read
}
