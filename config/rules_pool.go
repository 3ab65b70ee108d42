package config

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

var (
	poolName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,39}$`)
	workerID = regexp.MustCompile(`^([a-z0-9][a-z0-9_-]*)-[0-9]+(\.[0-9]+)?$`)
)

func (v *validator) pool(name string, p *Pool) {
	key := join("pools", name)
	v.poolName(key, name)
	if len(p.Command) == 0 && len(p.Upstreams) == 0 {
		v.missing(key, "has neither a command nor upstreams", "add command: [PROGRAM, ARGUMENT], or upstreams with addresses")
	}
	v.upstreams(key+".upstreams", p.Upstreams)
	v.hashOn(key+".hashOn", p.HashOn)
	v.sticky(name, p.Sticky)
	v.notAbove(key, "retry.backoff.initial", p.Retry.Backoff.Initial, "retry.backoff.max", p.Retry.Backoff.Max)
	v.notAbove(key, "outlier.ejectFor", p.Outlier.EjectFor, "outlier.maxEjectFor", p.Outlier.MaxEjectFor)
	v.fallback(name, p.Fallback)
	v.processManagement(key, p.ProcessManagement)
	v.healthCheck(key, p)
	v.autoScaling(key, p)
	v.command(key, p)
	v.watch(key+".processManagement.watch", p.ProcessManagement.Watch)
	v.confine(key, p)
	v.resources(key+".resources", p.Resources)
	v.security(key+".security", p)
}

// poolName keeps worker ids, POOL-SLOT.GENERATION, readable: no dots in the
// name, and no pool whose name is also a slot of another, since in logs,
// events and commands app-3 would be two things.
func (v *validator) poolName(key, name string) {
	if !poolName.MatchString(name) {
		v.fault(key, quote(name)+" is no good as the name of a pool", "use lower-case letters, digits, - and _, at most 40, a letter or digit first")
		return
	}
	if owner := v.slotOf(name); owner != "" {
		v.fault(key, "the name could be that of a worker of pool "+owner, "choose one that is not "+owner+"- and a number")
	}
}

// slotOf returns the pool with workers one of whose ids could be name, or "".
func (v *validator) slotOf(name string) string {
	match := workerID.FindStringSubmatch(name)
	if match == nil {
		return ""
	}
	if p := v.c.Pools[match[1]]; p == nil || len(p.Command) == 0 {
		return ""
	}
	return match[1]
}

func (v *validator) upstreams(key string, upstreams []Upstream) {
	names := map[string]int{}
	for i, u := range upstreams {
		at := index(key, i)
		v.refuse(at+".address", checkAddress(u.Address, false))
		name := u.Name
		if name == "" {
			name = u.Address
		}
		if name == "" {
			continue
		}
		if name != u.Address {
			v.refuse(at+".name", checkName(name))
		}
		if owner := v.slotOf(name); owner != "" {
			v.fault(at+".name", quote(name)+" could be a worker of pool "+owner, "choose another name")
		}
		if first, twice := names[name]; twice {
			v.fault(at, fmt.Sprintf("%s is also the name of %s", quote(name), index(key, first)), "give each upstream of a pool a name of its own")
		}
		names[name] = i
	}
}

func (v *validator) hashOn(key, hashOn string) {
	const forms = "use clientIP, path, header:NAME or cookie:NAME"
	kind, name, named := strings.Cut(hashOn, ":")
	switch {
	case !named && (kind == "clientIP" || kind == "path"):
	case named && (kind == "header" || kind == "cookie"):
		if !token(name) {
			v.fault(key, quote(hashOn)+" has no valid name after the colon", forms)
		}
	default:
		v.fault(key, quote(hashOn)+" is not known", forms)
	}
}

// sticky refuses names that browsers hold to rules which the cookie breaks.
func (v *validator) sticky(pool string, s Sticky) {
	key := join("pools", pool) + ".sticky.cookie"
	switch {
	case s.Cookie == "":
	case !token(s.Cookie):
		v.fault(key, quote(s.Cookie)+" is not the name of a cookie", "write one such as drover")
	case strings.HasPrefix(strings.ToLower(s.Cookie), "__secure-"), strings.HasPrefix(strings.ToLower(s.Cookie), "__host-"):
		v.fault(key, quote(s.Cookie)+" is refused by browsers that came without TLS", "leave the prefix out")
	case v.c.onlyRelayed(pool):
		v.fault(key, "only tcp listeners use this pool, and their connections have no cookies", "use strategy: consistent-hash, or remove it")
	}
}

// notAbove refuses a value above another one of the same pool.
func (v *validator) notAbove(pool, lowKey string, low Duration, highKey string, high Duration) {
	if low <= high {
		return
	}
	_, name := cutLast(highKey)
	v.fault(pool+"."+lowKey, fmt.Sprintf("%s exceeds %s %s", low, name, high), "make it smaller than the "+name)
}

func cutLast(key string) (before, after string) {
	i := strings.LastIndexByte(key, '.')
	return key[:max(i, 0)], key[i+1:]
}

func (v *validator) processManagement(key string, p ProcessManagement) {
	v.notAbove(key, "processManagement.restartDelay", p.RestartDelay, "processManagement.maxRestartDelay", p.MaxRestartDelay)
	if p.Rolling.MaxSurge == 0 && p.Rolling.MaxUnavailable == 0 {
		v.fault(key+".processManagement.rolling", "maxSurge and maxUnavailable are both 0, so that no worker could be replaced", "set one of them to 1 or more")
	}
}

// healthCheck refuses what contradicts the type, since it would be ignored.
func (v *validator) healthCheck(pool string, p *Pool) {
	h, key := p.HealthCheck, pool+".healthCheck"
	v.notAbove(pool, "healthCheck.timeout", h.Timeout, "healthCheck.interval", h.Interval)
	badStatus := checkStatuses(h.ExpectStatus)
	v.refuse(key+".expectStatus", badStatus)
	if h.Endpoint != "" {
		v.refuse(key+".endpoint", checkEndpoint(h.Endpoint))
	}
	if h.Type == "exec" && len(h.Command) == 0 {
		v.missing(key+".command", "type exec needs a command", "add command: [PROGRAM, ARGUMENT]")
	}
	if h.Type != "exec" && len(h.Command) > 0 {
		v.fault(key+".command", "a command is only run by type exec", "add type: exec, or remove the command")
	}
	if h.Type == "ipc" && len(p.Command) == 0 {
		v.fault(key+".type", "the pool has no command, and only workers have a channel", "use http, tcp or exec")
	} else if h.Type == "ipc" && len(p.Upstreams) > 0 {
		v.fault(key+".type", "the pool has upstreams, and only workers have a channel", "use http, tcp or exec, or put the upstreams into a pool of their own")
	}
	var need string
	switch {
	case h.Type != "http":
		need = "is only for type http"
	case h.Endpoint == "":
		need = "needs an endpoint"
	default:
		return
	}
	defaults := DefaultPool().HealthCheck
	if h.Type != "http" && h.Endpoint != "" {
		v.fault(key+".endpoint", need, "add type: http, or remove it")
	}
	if h.ExpectStatus != defaults.ExpectStatus && badStatus == nil {
		v.fault(key+".expectStatus", need, "add type: http with an endpoint such as /health, or remove it")
	}
	if h.ExpectBody != "" {
		v.fault(key+".expectBody", need, "add type: http with an endpoint such as /health, or remove it")
	}
}

// checkEndpoint is for the target of a probe, which may have a query.
func checkEndpoint(endpoint string) *valueError {
	if strings.Contains(endpoint, "://") {
		return &valueError{quote(endpoint) + " is a URL", "write the path alone, such as /health; the address is that of the upstream"}
	}
	path, query, _ := strings.Cut(endpoint, "?")
	if bad := checkPath(path); bad != nil {
		return bad
	}
	if bad := checkPath("/" + strings.ReplaceAll(query, "?", "")); bad != nil {
		return bad
	}
	if _, err := url.ParseRequestURI(endpoint); err != nil {
		return &valueError{quote(endpoint) + " is not a path", "write one such as /health"}
	}
	return nil
}

// checkStatuses is for statuses and ranges of them, as in 200-399,404.
func checkStatuses(text string) *valueError {
	for _, part := range strings.Split(text, ",") {
		from, to, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			to = from
		}
		low, err1 := strconv.ParseUint(strings.TrimSpace(from), 10, 16)
		high, err2 := strconv.ParseUint(strings.TrimSpace(to), 10, 16)
		if err1 != nil || err2 != nil || low < 100 || high > 599 || low > high {
			return &valueError{quote(text) + " are no statuses", "write statuses from 100 to 599 and ranges, as in 200-399,404"}
		}
	}
	return nil
}
