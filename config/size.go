package config

import (
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// Size is a number of bytes, written 256MB or 1GB (1024-based); a bare number is bytes.
type Size int64

const (
	kilobyte Size = 1 << 10
	megabyte Size = 1 << 20
)

// sizeUnits in the order in which String tries them.
var sizeUnits = []struct {
	name  string
	bytes Size
}{{"TB", 1 << 40}, {"GB", 1 << 30}, {"MB", megabyte}, {"KB", kilobyte}}

var sizeText = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?) ?(?:([KMGT])I?B?|B)?$`)

// UnmarshalText reads 256MB, 1GB, 64MiB (the same as 64MB), or a bare number of bytes.
func (z *Size) UnmarshalText(text []byte) error {
	s := string(text)
	match := sizeText.FindStringSubmatch(strings.ToUpper(s))
	switch {
	case match == nil && strings.HasPrefix(s, "-") && sizeText.MatchString(strings.ToUpper(s[1:])):
		return &valueError{quote(s) + " is negative", "use 0 or more"}
	case match == nil:
		return &valueError{quote(s) + " is not a size", "write a number with KB, MB or GB, such as 256MB, or a bare number of bytes"}
	}
	// A rational, since 1.1GB and 9007199254740993 are both inexact as floats.
	value, ok := new(big.Rat).SetString(match[1])
	if !ok {
		return &valueError{quote(s) + " is not a size", "write a number with KB, MB or GB, such as 256MB"}
	}
	value.Mul(value, new(big.Rat).SetInt64(int64(unitBytes(match[2]))))
	whole := new(big.Int).Quo(value.Num(), value.Denom())
	if !whole.IsInt64() {
		return &valueError{quote(s) + " is out of range", "use a smaller size"}
	}
	*z = Size(whole.Int64())
	return nil
}

// String writes z with the largest unit that gives a whole number.
func (z Size) String() string {
	for _, u := range sizeUnits {
		if z != 0 && z%u.bytes == 0 {
			return strconv.FormatInt(int64(z/u.bytes), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(z), 10)
}

// unitBytes takes K, M, G or T, or nothing for bytes.
func unitBytes(letter string) Size {
	for _, u := range sizeUnits {
		if letter != "" && u.name[:1] == letter {
			return u.bytes
		}
	}
	return 1
}
