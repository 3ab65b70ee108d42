package proxy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/drover-proxy/drover/config"
)

// edit is a route's change of a header section, made ready to be applied: names
// that are left out, and lines that are added after everything else.
type edit struct {
	drop  []string // in lower case: removed, or set and therefore replaced
	lines []byte   // Name: value CR LF, ready to be sent
	host  []byte   // a Host that is set; goes first and not into lines
}

// newEdit compiles a change of headers. where names the setting in errors.
func newEdit(where string, cfg config.HeaderEdit) (*edit, error) {
	if len(cfg.Set) == 0 && len(cfg.Remove) == 0 {
		return nil, nil
	}
	e := &edit{}
	for _, key := range cfg.Remove {
		if err := editable(where+".remove", key); err != nil {
			return nil, err
		}
		e.drop = append(e.drop, strings.ToLower(key))
	}
	for _, key := range slices.Sorted(maps.Keys(cfg.Set)) {
		if err := editable(where+".set", key); err != nil {
			return nil, err
		}
		value := cfg.Set[key]
		if !validValue(value) {
			return nil, fmt.Errorf("%s: the value of %s has a control character; remove it", where+".set", key)
		}
		e.drop = append(e.drop, strings.ToLower(key))
		if strings.EqualFold(key, "Host") {
			e.host = []byte(value)
			continue
		}
		e.lines = append(e.lines, key+": "+value+"\r\n"...)
	}
	return e, nil
}

// editable refuses names with which a message could be framed differently.
func editable(where, key string) error {
	if !isToken(key) {
		return fmt.Errorf("%s: %q is not a header name; use letters, digits and dashes", where, key)
	}
	if nameOf([]byte(key)).hopByHop() {
		return fmt.Errorf("%s: %s belongs to the connection and is written by drover; leave it out", where, key)
	}
	return nil
}

// drops reports whether a field of that name is left out, in any spelling: an
// application for which X_User is X-User would believe it in place of the one
// that is set. A nil edit drops nothing.
func (e *edit) drops(key []byte) bool {
	if e == nil {
		return false
	}
	for _, d := range e.drop {
		if equalName(key, d) {
			return true
		}
	}
	return false
}
