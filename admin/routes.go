package admin

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// access is what a caller needs for a route.
type access int

const (
	public   access = iota // nothing: /healthz and /readyz
	scrape                 // a viewer token where tokens are set; open on every address without: /metrics
	viewer                 // a viewer token where tokens are set; else the socket or loopback
	operator               // the same with an operator token; for changes
)

// String names the role that is needed.
func (a access) String() string { return [...]string{"none", "viewer", "viewer", "operator"}[a] }

// route is one endpoint. The index page and docs/admin-api.md are made from the table.
type route struct {
	method, path string // segments in braces take any value
	access       access
	about        string
	handle       func(http.ResponseWriter, *http.Request) error
}

// maxBody is how large the body of a request may be.
func (r *route) maxBody() int64 {
	if strings.HasPrefix(r.path, "/api/v1/ipc/") {
		return maxMessageBody
	}
	return maxBody
}

func (s *Server) routes() []route {
	return []route{
		{"GET", "/healthz", public, "drover is alive", s.healthz},
		{"GET", "/readyz", public, "drover can serve: 200, or 503 with the reasons", s.readyz},
		{"GET", "/metrics", scrape, "Prometheus metrics, OpenMetrics when asked for", s.metrics},
		{"GET", "/api/v1/status", viewer, "version, uptime, pools in numbers, health as a whole", s.status},
		{"GET", "/api/v1/pools", viewer, "pools with their upstreams", s.pools},
		{"GET", "/api/v1/pools/{pool}", viewer, "one pool", s.pool},
		{"POST", "/api/v1/pools/{pool}/scale", operator, "set the number of workers; \"auto\" returns to the settings' number, or to autoscaling", s.scale},
		{"POST", "/api/v1/pools/{pool}/restart", operator, "replace the workers one after another", s.restart},
		{"GET", "/api/v1/workers", viewer, "workers", s.workers},
		{"GET", "/api/v1/workers/{id}", viewer, "one worker: app-3 (the newest in slot 3) or app-3.7", s.worker},
		{"POST", "/api/v1/workers/{id}/drain", operator, "send it nothing new; the process stays and is probed", s.workerVerb("drain")},
		{"POST", "/api/v1/workers/{id}/resume", operator, "take back a drain", s.workerVerb("resume")},
		{"POST", "/api/v1/workers/{id}/restart", operator, "replace it by its next generation", s.workerVerb("restart")},
		{"POST", "/api/v1/workers/{id}/stop", operator, "stop it; its slot stays empty until it or its pool is restarted", s.workerVerb("stop")},
		{"POST", "/api/v1/upstreams/{id}/drain", operator, "send it nothing new; it is still probed", s.upstreamVerb("drain")},
		{"POST", "/api/v1/upstreams/{id}/resume", operator, "take back a drain or maintenance", s.upstreamVerb("resume")},
		{"POST", "/api/v1/upstreams/{id}/maintenance", operator, "drain it, without probes and restarts", s.upstreamVerb("maintenance")},
		{"POST", "/api/v1/upstreams/{id}/weight", operator, "set its weight, 0 to 256; 0 takes nothing new", s.weight},
		{"POST", "/api/v1/ipc/broadcast", operator, "send a message to all workers, or to those of a pool", s.broadcast},
		{"POST", "/api/v1/ipc/send", operator, "send a message to one worker, or to one of a pool", s.send},
		{"POST", "/api/v1/ipc/request", operator, "send a message to one worker and answer with its response", s.ask},
		{"GET", "/api/v1/cache", viewer, "the shared cache in numbers", s.cache},
		{"GET", "/api/v1/cache/entry", operator, "one entry of it", s.cacheEntry},
		{"POST", "/api/v1/cache/purge", operator, "remove entries, by key, tag, prefix, or all", s.purge},
		{"POST", "/api/v1/cache/warm", operator, "store what cache.warm of the settings names", s.warm},
		{"GET", "/api/v1/config", viewer, "the effective settings, secrets hidden", s.config},
		{"POST", "/api/v1/reload", operator, "read the settings again and apply what changed", s.reload},
		{"POST", "/api/v1/upgrade", operator, "start drover's program anew; it takes over when its workers are ready", s.upgrade},
		{"GET", "/api/v1/events", viewer, "recent events; live with Accept: text/event-stream or ?follow=1", s.events},
		{"GET", "/api/v1/operations/{id}", viewer, "how far work is that goes on after 202", s.operation},
		{"POST", "/api/v1/stop", operator, "drain and stop drover; with now, without waiting for requests", s.stop},
		{"GET", profilePath, viewer, "profiles of drover itself; 404 where admin.profiler is false", s.profiles},
		{"GET", profilePath + "{name}", viewer, "one profile, for go tool pprof; ?seconds= measures for so long, 1 to 300", s.profile},
		{"GET", "/", viewer, "this list", s.index},
	}
}

// table finds the route of a request.
type table struct{ routes []compiled }

type compiled struct {
	route
	segments []string
}

func newTable(routes []route) *table {
	t := &table{}
	for _, r := range routes {
		t.routes = append(t.routes, compiled{r, split(r.path)})
	}
	return t
}

// find returns the route for a method and an escaped path, with the values of
// its braces. Where only other methods fit it returns those, and neither where
// nothing does. Segments are compared after unescaping each, so that an id may
// contain escaped slashes.
func (t *table) find(method, path string) (found *route, values map[string]string, allow []string) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	segments := split(path)
	for i := range t.routes {
		r := &t.routes[i]
		args, ok := match(r.segments, segments)
		switch {
		case !ok:
		case r.method == method:
			return &r.route, args, nil
		default:
			allow = append(allow, r.method)
		}
	}
	if slices.Contains(allow, http.MethodGet) {
		allow = append(allow, http.MethodHead)
	}
	return nil, nil, allow
}

func match(pattern, path []string) (map[string]string, bool) {
	if len(pattern) != len(path) {
		return nil, false
	}
	var values map[string]string
	for i, p := range pattern {
		text, err := url.PathUnescape(path[i])
		if err != nil {
			return nil, false
		}
		name, isValue := strings.CutPrefix(p, "{")
		switch {
		case isValue && text != "":
			if values == nil {
				values = map[string]string{}
			}
			values[strings.TrimSuffix(name, "}")] = text
		case isValue || p != text:
			return nil, false
		}
	}
	return values, true
}

// split cuts a path into its segments; a slash at the end does not matter.
func split(path string) []string {
	path = strings.Trim(path, "/")
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}
