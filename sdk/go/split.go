package drover

import (
	"encoding/json"
	"errors"
)

// errNoList is what a result is that should be a list.
var errNoList = errors.New("drover's answer is not the list that it should be")

// elements returns the members of a JSON list, as parts of the text, which was
// found to be valid when its frame was read. null is a list without members.
func elements(text json.RawMessage) ([]json.RawMessage, error) {
	if string(text) == "null" {
		return nil, nil
	}
	if len(text) < 2 || text[0] != '[' {
		return nil, errNoList
	}
	var list []json.RawMessage
	start, depth := 1, 0
	for i := 1; i < len(text)-1; i++ {
		switch text[i] {
		case '"':
			i += quoted(text[i:])
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		case ',':
			if depth == 0 {
				list = append(list, text[start:i:i])
				start = i + 1
			}
		}
	}
	if last := text[start : len(text)-1]; len(list) > 0 || len(last) > 0 {
		list = append(list, last[:len(last):len(last)])
	}
	return list, nil
}

// quoted returns where the string that text begins with ends.
func quoted(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '"':
			return i
		case '\\':
			i++
		}
	}
	return len(text)
}
