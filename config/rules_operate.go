package config

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"sort"
	"strings"
)

var component = regexp.MustCompile(`^[a-z][a-z0-9_-]*$`)

func (v *validator) logging() {
	l := v.c.Logging
	names := make([]string, 0, len(l.Levels))
	for name := range l.Levels {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if !component.MatchString(name) {
			v.fault(join("logging.levels", name), quote(name)+" is not the name of a component", "write one as it is in the log, such as supervisor")
		}
	}
	for i, path := range l.AccessLog.Exclude {
		v.refuse(index("logging.accessLog.exclude", i), checkPath(path))
	}
	paths := map[string]int{}
	for i, f := range l.Files {
		key := index("logging.files", i) + ".path"
		if f.Path == "" || strings.ContainsRune(f.Path, 0) {
			v.fault(key, "is missing", "name the file that log lines go to")
		} else if first, twice := paths[f.Path]; twice {
			v.fault(key, fmt.Sprintf("%s is already logging.files[%d]", quote(f.Path), first), "keep one of them")
		}
		paths[f.Path] = i
	}
}

func (v *validator) admin() {
	a := v.c.Admin
	v.adminAddress(a.Address)
	if a.Socket != "" && a.Socket != "auto" {
		v.adminSocket(a.Socket)
	}
	for i, host := range a.AllowedHosts {
		if !hostForm(strings.Trim(host, "[]")) {
			v.fault(index("admin.allowedHosts", i), quote(host)+" is not a host name", "write the name alone, without scheme, port or path")
		}
	}
	names := map[string]int{}
	for i, t := range a.Tokens {
		key := index("admin.tokens", i)
		v.token(key, t)
		if first, twice := names[t.Name]; twice && t.Name != "" {
			v.fault(key+".name", fmt.Sprintf("%s is also the name of admin.tokens[%d]", quote(t.Name), first), "give each token a name of its own")
		}
		names[t.Name] = i
	}
}

func (v *validator) adminAddress(address string) {
	const key = "admin.address"
	if address == "" {
		return
	}
	if strings.HasPrefix(address, "unix:") {
		v.fault(key, quote(address)+" is a Unix socket", "write the path in admin.socket; admin.address is host:port, or empty for none")
		return
	}
	if bad := checkAddress(address, true); bad != nil {
		v.fault(key, bad.problem, "write host:port, such as 127.0.0.1:9900, or \"\" for none")
		return
	}
	for i, l := range v.c.Server.Listeners {
		if overlaps(address, l.Address) {
			v.fault(key, fmt.Sprintf("%s is already taken by server.listeners[%d] (%s)", address, i, l.Address), "choose another port")
		}
	}
}

func (v *validator) adminSocket(path string) {
	const key = "admin.socket"
	switch {
	case strings.ContainsRune(path, 0):
		v.fault(key, quote(path)+" is not the path of a socket", "write a path, auto, or \"\" for none")
	case len(path) > longestSocketPath:
		v.fault(key, fmt.Sprintf("the socket's path has %d bytes", len(path)), fmt.Sprintf("use a path of at most %d", longestSocketPath))
	}
	for i, l := range v.c.Server.Listeners {
		if l.Address == "unix:"+path {
			v.fault(key, fmt.Sprintf("%s is already taken by server.listeners[%d]", quote(path), i), "choose another path")
		}
	}
}

// token never shows what it refuses.
func (v *validator) token(key string, t Token) {
	if t.Name == "" {
		v.missing(key+".name", "is missing", "say who the token was given to")
	} else {
		v.refuse(key+".name", checkName(t.Name))
	}
	set := 0
	for _, value := range []string{t.Token, t.TokenFile, t.TokenSHA256} {
		if value != "" {
			set++
		}
	}
	switch {
	case set == 0 && v.c.origin.has(key+".token"):
		v.fault(key+".token", "the token is empty", "give it a value; a variable that it is read from must not be empty")
	case set == 0:
		v.missing(key, "has no token", "add token, tokenFile or tokenSHA256")
	case set > 1:
		v.fault(key, "has more than one of token, tokenFile and tokenSHA256", "keep one of them")
	case t.Token != "" && !bearer(t.Token):
		v.fault(key+".token", "the token has a space or a character that no header can carry", "use letters, digits and -._~+/=")
	case t.TokenSHA256 != "" && !isSHA256(t.TokenSHA256):
		v.fault(key+".tokenSHA256", "is not a SHA-256", "write 64 hexadecimal digits, as printed by: printf %s \"$TOKEN\" | sha256sum")
	case t.TokenFile != "":
		if _, err := t.Digest(); err != nil {
			v.fault(key+".tokenFile", err.Error(), "name a file that holds the token and nothing else")
		}
	}
}

func isSHA256(text string) bool {
	digest, err := hex.DecodeString(text)
	return err == nil && len(digest) == 32
}

// bearer reports whether a token can stand in an Authorization header.
func bearer(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}
