package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
)

// largestSchema is far above what a schema of a message needs.
const largestSchema = 1 << 20

// typePattern is the name of a message type or topic, or the beginning of one
// with * at its end.
var typePattern = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._:/-]*\*?|\*)$`)

func (v *validator) ipc() {
	ipc := v.c.IPC
	for i, rule := range ipc.Allow {
		key := index("ipc.allow", i)
		v.party(key+".from", rule.From, "name the pool that sends, or * for all")
		v.party(key+".to", rule.To, "name the pool that receives, or * for all")
		v.typePatterns(key+".types", rule.Types)
	}
	v.typePatterns("ipc.types", ipc.Types)
	for _, pattern := range slices.Sorted(maps.Keys(ipc.Schemas)) {
		key := join("ipc.schemas", pattern)
		v.refuse(key, checkTypePattern(pattern))
		v.schemaFile(key, ipc.Schemas[pattern])
	}
	if ipc.Audit.Enabled && ipc.Audit.File == "" {
		v.missing("ipc.audit.file", "is missing", "name the file that messages are logged to, or remove enabled")
	}
	v.ownFile("ipc.audit.file", ipc.Audit.File)
}

// party is one end of a rule.
func (v *validator) party(key, pool, remedy string) {
	switch {
	case pool == "*":
	case pool == "":
		v.missing(key, "is missing", remedy)
	default:
		v.poolExists(key, pool)
		v.hasWorkers(key, pool)
	}
}

// hasWorkers refuses a pool that is there and has nobody with a channel.
func (v *validator) hasWorkers(key, pool string) {
	if p := v.c.Pools[pool]; p != nil && len(p.Command) == 0 && !v.found.below(join("pools", pool)) {
		v.fault(key, "pool "+quote(pool)+" has no workers", "name one that has a command")
	}
}

func (v *validator) typePatterns(key string, patterns []string) {
	for i, pattern := range patterns {
		v.refuse(index(key, i), checkTypePattern(pattern))
	}
}

func checkTypePattern(pattern string) *valueError {
	const longest = 128
	switch {
	case len(pattern) > longest:
		return &valueError{fmt.Sprintf("the pattern has %d characters", len(pattern)), fmt.Sprintf("use at most %d", longest)}
	case !typePattern.MatchString(pattern):
		return &valueError{quote(pattern) + " is no pattern of types", "write a type such as price.changed, or its beginning with * at the end, as in price.*"}
	}
	return nil
}

func (v *validator) schemaFile(key, path string) {
	const remedy = "name a file that holds a JSON Schema; it is relative to the folder drover is started in"
	data, err := readRegular(path, largestSchema)
	switch {
	case path == "":
		v.fault(key, "is missing", remedy)
	case err != nil:
		v.fault(key, err.Error(), remedy)
	default:
		data = bytes.TrimSpace(data)
		if !json.Valid(data) || !slices.Contains([]byte("{tf"), data[0]) { // an object, true or false
			v.fault(key, quote(path)+" holds no JSON Schema", remedy)
		}
	}
}

// ownFile refuses a file that drover could not write, or writes something else to.
func (v *validator) ownFile(key, path string) {
	if path == "" {
		return
	}
	if strings.ContainsRune(path, 0) {
		v.fault(key, quote(path)+" is not the path of a file", "write another")
		return
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		v.fault(key, quote(path)+" is not a file", "name one; it is made when it is missing")
	}
	for i, f := range v.c.Logging.Files {
		if f.Path == path {
			v.fault(key, fmt.Sprintf("%s is already logging.files[%d]", quote(path), i), "choose another file")
		}
	}
}
