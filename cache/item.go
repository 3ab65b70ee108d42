package cache

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/drover-proxy/drover/config"
)

// Item is an entry as it stands in the settings or in a file.
type Item struct {
	Namespace string
	Key       string
	Value     []byte // JSON
	EntryOptions
}

// line is an item in a file. What warms a cache says how long it lives, what
// was saved says until when.
type line struct {
	Namespace string         `json:"namespace"`
	Key       string         `json:"key"`
	Value     jsontext.Value `json:"value"`
	TTL       jsontext.Value `json:"ttl,omitzero"`     // "10m", or milliseconds; 0: for ever
	Expires   int64          `json:"expires,omitzero"` // milliseconds since 1970
	Tags      []string       `json:"tags,omitzero"`
}

// put stores items; with replace also where the key has a value already. It
// returns how many it stored.
func (s *Store) put(item Item, replace bool) (bool, error) {
	if replace {
		err := s.Set(item.Namespace, item.Key, item.Value, item.EntryOptions)
		return err == nil, err
	}
	return s.Add(item.Namespace, item.Key, item.Value, item.EntryOptions)
}

// parseItem reads an item of a file. It is false where its time is over.
func parseItem(text []byte, now time.Time) (Item, bool, error) {
	var l line
	if err := json.Unmarshal(text, &l, json.RejectUnknownMembers(true)); err != nil {
		return Item{}, false, plainJSON(err)
	}
	item := Item{l.Namespace, l.Key, l.Value, EntryOptions{Tags: l.Tags}}
	switch {
	case l.Value == nil:
		return Item{}, false, errors.New("there is no value")
	case l.TTL != nil && l.Expires != 0:
		return Item{}, false, errors.New("there are both ttl and expires")
	case l.Expires != 0:
		item.TTL = time.UnixMilli(l.Expires).Sub(now)
		return item, item.TTL > 0, nil
	case l.TTL != nil:
		ttl, err := parseTTL(l.TTL)
		if err != nil {
			return Item{}, false, err
		}
		item.TTL = ttl
	}
	return item, true, nil
}

// parseTTL reads a length of time as the settings have it; 0 is without end.
func parseTTL(text jsontext.Value) (time.Duration, error) {
	plain := []byte(text)
	if text.Kind() == '"' {
		plain, _ = jsontext.AppendUnquote(nil, text) // it was read by the decoder
	}
	var d config.Duration
	if err := d.UnmarshalText(plain); err != nil {
		return 0, fmt.Errorf("ttl: %w", err)
	}
	if d == 0 {
		return Forever, nil
	}
	return d.Std(), nil
}

// plainJSON leaves out of an error of the JSON library what names Go types.
func plainJSON(err error) error {
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		what := semantic.Err
		if what == nil {
			what = errors.New("is of another kind than it should be")
		}
		if semantic.JSONPointer != "" {
			return fmt.Errorf("%s: %w", semantic.JSONPointer, what)
		}
		return what
	}
	return err
}
