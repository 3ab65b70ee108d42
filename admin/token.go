package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"github.com/drover-proxy/drover/config"
)

// keys are the tokens that let somebody in, as hashes. They never change after
// they were published.
type keys []key

type key struct {
	name string
	role access // viewer or operator
	sum  [sha256.Size]byte
}

// newKeys reads the tokens that the settings name.
func newKeys(tokens []config.Token) (keys, error) {
	var ks keys
	for i, t := range tokens {
		k := key{name: t.Name, role: viewer}
		switch t.Role {
		case "operator":
			k.role = operator
		case "viewer", "":
		default:
			return nil, fmt.Errorf("admin.tokens[%d].role: %q is not a role; use viewer or operator", i, t.Role)
		}
		var err error
		if k.sum, err = sum(t); err != nil {
			return nil, fmt.Errorf("admin.tokens[%d] (%s): %w", i, t.Name, err)
		}
		ks = append(ks, k)
	}
	return ks, nil
}

func sum(t config.Token) (s [sha256.Size]byte, err error) {
	switch {
	case t.TokenSHA256 != "":
		raw, err := hex.DecodeString(strings.TrimSpace(t.TokenSHA256))
		if err != nil || len(raw) != len(s) {
			return s, fmt.Errorf("tokenSHA256 is not 64 hexadecimal digits; make it with: printf %%s TOKEN | sha256sum")
		}
		return [sha256.Size]byte(raw), nil
	case t.TokenFile != "":
		raw, err := os.ReadFile(t.TokenFile)
		if err != nil {
			return s, fmt.Errorf("read tokenFile: %w", err)
		}
		token := strings.TrimSpace(string(raw))
		if token == "" {
			return s, fmt.Errorf("tokenFile %s is empty; write the token into it", t.TokenFile)
		}
		return sha256.Sum256([]byte(token)), nil
	case t.Token != "":
		return sha256.Sum256([]byte(t.Token)), nil
	}
	return s, fmt.Errorf("no token is given; set one of token, tokenFile and tokenSHA256")
}

// role returns what the bearer of token may do. It takes the same time whatever
// the token is, so that none can be guessed byte by byte.
func (ks keys) role(token string) (role access, ok bool) {
	got := sha256.Sum256([]byte(token))
	for _, k := range ks {
		if subtle.ConstantTimeCompare(k.sum[:], got[:]) == 1 && (!ok || k.role > role) {
			role, ok = k.role, true
		}
	}
	return role, ok
}
