package config

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// largestToken bounds what is read from a tokenFile.
const largestToken = 64 << 10

// Digest returns the SHA-256 of the token, in whichever of the three ways it
// is named; a file is read anew at each call, and surrounding space is no part
// of the token. The error says what is wrong without showing the token.
func (t Token) Digest() ([sha256.Size]byte, error) {
	var sum [sha256.Size]byte
	switch {
	case t.TokenSHA256 != "":
		if n, err := hex.Decode(sum[:], []byte(t.TokenSHA256[:min(len(t.TokenSHA256), 2*len(sum))])); err != nil || n != len(sum) {
			return sum, errors.New("tokenSHA256 is not a SHA-256 in hexadecimal digits")
		}
		return sum, nil
	case t.TokenFile != "":
		data, err := readRegular(t.TokenFile, largestToken)
		if err != nil {
			return sum, err
		}
		text := strings.TrimSpace(string(data))
		if !bearer(text) {
			return sum, fmt.Errorf("%s holds no token that a header could carry", quote(t.TokenFile))
		}
		return sha256.Sum256([]byte(text)), nil
	case t.Token == "":
		return sum, errors.New("there is no token")
	}
	return sha256.Sum256([]byte(t.Token)), nil
}
