package drover

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// line is a frame in the making: one line of JSON, members in the order in
// which they are added.
type line []byte

func newLine(verb string) line { return newLineOnto(nil, verb) }

func newLineOnto(b []byte, verb string) line {
	return append(append(append(line(b), `{"drover":"`...), verb...), '"')
}

func (l line) name(name string) line {
	return append(append(append(l, ',', '"'), name...), '"', ':')
}

func (l line) number(name string, v uint64) line {
	return strconv.AppendUint(l.name(name), v, 10)
}

// id adds the member id; 0 stands for none.
func (l line) id(id uint64) line {
	if id == 0 {
		return l
	}
	return l.number("id", id)
}

func (l line) text(name, v string) line {
	return appendText(l.name(name), v)
}

// optional adds the text unless it is empty.
func (l line) optional(name, v string) line {
	if v == "" {
		return l
	}
	return l.text(name, v)
}

func (l line) texts(name string, list []string) line {
	return appendTexts(l.name(name), list)
}

func (l line) json(name string, v []byte) line {
	return append(l.name(name), v...)
}

func (l line) end() line { return append(l, '}', '\n') }

func appendTexts(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, v)
	}
	return append(b, ']')
}

// appendText appends a JSON string. Most names and keys need no escapes.
func appendText(b []byte, v string) []byte {
	for i := range len(v) {
		if c := v[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			raw, err := encode(v)
			if err != nil {
				panic(err) // cannot happen: a string
			}
			return append(b, raw...)
		}
	}
	return append(append(append(b, '"'), v...), '"')
}

// encode is json.Marshal without the escapes that are for HTML. Its result has no line break.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}
