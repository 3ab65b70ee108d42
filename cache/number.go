package cache

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
)

// sum adds two JSON numbers. Whole ones stay whole and exact as long as 64
// bits hold them.
func sum(a, b []byte) ([]byte, bool) {
	x, errX := strconv.ParseInt(string(a), 10, 64)
	y, errY := strconv.ParseInt(string(b), 10, 64)
	if total := x + y; errX == nil && errY == nil && (total > x) == (y > 0) {
		return strconv.AppendInt(nil, total, 10), true
	}
	f, okF := number(a)
	g, okG := number(b)
	total := f + g
	if !okF || !okG || math.IsInf(total, 0) {
		return nil, false
	}
	text, err := json.Marshal(total)
	return text, err == nil
}

// number reads a JSON number; text that means one to Go alone ("inf", "0x1p4")
// is none.
func number(text []byte) (float64, bool) {
	if len(bytes.Trim(text, "0123456789+-.eE")) > 0 {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(text), 64)
	return f, err == nil
}
