package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

func (v *validator) server() {
	s := v.c.Server
	// Without one drover is of use where workers do something else than to answer.
	if len(s.Listeners) == 0 && !slices.ContainsFunc(v.c.PoolNames(), func(name string) bool { return !v.c.Pools[name].MustListen() }) {
		v.missing("server.listeners", "there is no listener", `add one, such as - { address: ":8080", pool: app }`)
	}
	names := map[string]int{}
	for i, l := range s.Listeners {
		v.listener(i, l, names)
	}
	for i, cidr := range s.TrustedProxies {
		v.trustedProxy(index("server.trustedProxies", i), cidr)
	}
}

func (v *validator) listener(i int, l Listener, names map[string]int) {
	key := index("server.listeners", i)
	bad := checkAddress(l.Address, true)
	v.refuse(key+".address", bad)
	for j, other := range v.c.Server.Listeners[:i] {
		if bad == nil && overlaps(l.Address, other.Address) {
			v.fault(key+".address", fmt.Sprintf("%s is already taken by server.listeners[%d] (%s)", l.Address, j, other.Address), "give each listener an address of its own")
			break
		}
	}
	if name := l.Name; name != "" && name != l.Address {
		v.refuse(key+".name", checkName(name))
	}
	if first, twice := names[l.Name]; twice && l.Name != "" && l.Name != l.Address {
		v.fault(key+".name", fmt.Sprintf("%s is also the name of server.listeners[%d]", quote(l.Name), first), "give each listener a name of its own")
	} else {
		names[l.Name] = i
	}
	if l.Protocol == "tcp" && l.Pool == "" {
		v.fault(key+".pool", "a tcp listener needs a pool", "name the pool that gets its connections")
	}
	if l.Pool != "" {
		v.poolExists(key+".pool", l.Pool)
	}
}

func (v *validator) trustedProxy(key, cidr string) {
	if _, err := netip.ParsePrefix(cidr); err == nil {
		return
	}
	if addr, err := netip.ParseAddr(cidr); err == nil {
		v.fault(key, quote(cidr)+" is an address, not a network", fmt.Sprintf("write %s/%d", cidr, addr.BitLen()))
		return
	}
	v.fault(key, quote(cidr)+" is not a network", "write it as in 10.0.0.0/8")
}

// poolExists refuses the name of a pool that is not there.
func (v *validator) poolExists(key, name string) {
	if _, ok := v.c.Pools[name]; ok || v.found.cover("pools") {
		return
	}
	remedy := "add it under pools"
	if names := v.c.PoolNames(); len(names) > 0 {
		remedy += ", or use one of " + strings.Join(names, ", ")
		if near := nearest(name, names); near != "" {
			remedy = `did you mean "` + near + `"? ` + remedy
		}
	}
	v.fault(key, "there is no pool "+quote(name), remedy)
}

// checkName refuses names that would be unreadable in logs, metrics and commands.
func checkName(name string) *valueError {
	if len(name) > 100 {
		return &valueError{fmt.Sprintf("the name has %d bytes", len(name)), "use at most 100"}
	}
	for _, r := range name {
		if r <= ' ' || r == '"' || r == '\\' || r == 0x7f || r > '~' {
			return &valueError{quote(name) + " is no good as a name", "use letters, digits and - _ . : / without spaces"}
		}
	}
	return nil
}
