package config

import (
	"slices"
	"strings"
)

// fallback refuses what leads nowhere or in a circle, and parts of an answer
// that nobody would be given.
func (v *validator) fallback(pool string, f Fallback) {
	key := join("pools", pool) + ".fallback"
	if f.Pool != "" {
		v.fallbackPool(key, pool, f)
		return
	}
	if f.Status == 0 {
		const remedy = "add a status such as 503, or remove it"
		if f.Body != "" {
			v.fault(key+".body", "needs a status", remedy)
		}
		if f.ContentType != DefaultPool().Fallback.ContentType {
			v.fault(key+".contentType", "needs a status", remedy)
		}
		return
	}
	switch {
	case f.Status > 0 && f.Status < 200:
		v.fault(key+".status", "is not the status of an answer", "use 200 to 599, or 0 for none")
	case f.Body != "" && (f.Status == 204 || f.Status == 205 || f.Status == 304):
		v.fault(key+".body", "an answer with this status has no body", "remove it, or choose another status")
	}
	if strings.TrimSpace(f.ContentType) == "" || !visible(f.ContentType) {
		v.fault(key+".contentType", quote(f.ContentType)+" is not a type", "write one such as text/html; charset=utf-8")
	}
	if v.c.onlyRelayed(pool) {
		v.fault(key+".status", "only tcp listeners use this pool, and a connection cannot be answered", "name another pool in fallback.pool, or remove it")
	}
}

func (v *validator) fallbackPool(key, pool string, f Fallback) {
	v.poolExists(key+".pool", f.Pool)
	if f.Status != 0 {
		v.fault(key+".status", "there is a pool as well", "keep one of pool and status")
	}
	if f.Body != "" {
		v.fault(key+".body", "there is a pool, which answers itself", "remove it, or the pool")
	}
	if f.ContentType != DefaultPool().Fallback.ContentType {
		v.fault(key+".contentType", "there is a pool, which answers itself", "remove it, or the pool")
	}
	// Requests go one step only, so that a circle would do no harm; but who
	// writes one expects something else.
	chain := []string{pool}
	for name := f.Pool; name != ""; {
		chain = append(chain, name)
		if name == pool {
			v.fault(key+".pool", "leads back to the pool itself: "+strings.Join(chain, ", "), "name a pool that has another fallback, or none")
			return
		}
		next := v.c.Pools[name]
		if next == nil || slices.Contains(chain, next.Fallback.Pool) && next.Fallback.Pool != pool {
			return // reported where it is
		}
		name = next.Fallback.Pool
	}
}

// visible reports whether s can be the value of a header.
func visible(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f })
}
