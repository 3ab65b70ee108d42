package config

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// full returns settings in which every list, map and pointer has something.
func full() *Config {
	c := Default()
	first, idle, kept := second, minute, hour
	pool := DefaultPool()
	pool.Command = []string{"node", "server.js"}
	pool.Env = map[string]string{"A": "1"}
	pool.Upstreams = []Upstream{{Name: "a", Address: "a:80", Weight: 1}}
	pool.HealthCheck.Command = []string{"true"}
	pool.Security.ReadOnlyPaths, pool.Security.WritablePaths = []string{"/srv"}, []string{"/srv/data"}
	c.Pools = map[string]*Pool{"app": pool}
	c.Server.Listeners = []Listener{{Name: "web", Address: ":80", Protocol: "http", Pool: "app"}}
	c.Server.TrustedProxies = []string{"10.0.0.0/8"}
	edit := func() HeaderEdit {
		return HeaderEdit{Set: map[string]string{"A": "1"}, Remove: []string{"B"}}
	}
	c.Routes = []Route{{
		Match:    Match{Methods: []string{"GET"}, Headers: map[string]string{"A": "1"}},
		Timeouts: RouteTimeouts{FirstByte: &first, ResponseIdle: &idle},
		Headers:  HeaderEdits{Request: edit(), Response: edit()},
	}}
	c.IPC.Allow = []Allow{{From: "app", To: "app", Types: []string{"task.*"}}}
	c.IPC.Types = []string{"task.*"}
	c.IPC.Schemas = map[string]string{"task": "task.json"}
	c.Cache.Warm = []Warm{{Namespace: "n", Key: "k", Value: "1", TTL: &kept, Tags: []string{"t"}, File: "f", Pool: "p", Path: "/"}}
	c.Logging.Levels = map[string]string{"proxy": "debug"}
	c.Logging.AccessLog.Exclude = []string{"/health"}
	c.Logging.Files = []LogFile{{Path: "a"}}
	c.Admin.AllowedHosts = []string{"a"}
	c.Admin.Tokens = []Token{{Name: "a"}}
	return c
}

// eachLeaf calls f with every value below v that is not a struct, list or map
// itself, with its key and the reload tag of its field.
func eachLeaf(v reflect.Value, path, effect string, f func(leaf reflect.Value, key, effect string)) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Type().Field(i)
			if name := fieldKey(field); name != "" {
				eachLeaf(v.Field(i), join(path, name), field.Tag.Get("reload"), f)
			}
		}
	case reflect.Pointer:
		eachLeaf(v.Elem(), path, effect, f)
	case reflect.Slice:
		for i := range v.Len() {
			eachLeaf(v.Index(i), index(path, i), effect, f)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			if v.Type().Elem().Kind() == reflect.Pointer {
				eachLeaf(v.MapIndex(key), join(path, key.String()), effect, f)
			} else {
				f(v, join(path, key.String()), effect) // a map's text is changed through the map
			}
		}
	default:
		f(v, path, effect)
	}
}

// change makes a value differ from what it was.
func change(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Float64:
		v.SetFloat(v.Float() + 1)
	case reflect.Map:
		v.SetMapIndex(v.MapKeys()[0], reflect.ValueOf("changed"))
	default:
		v.SetInt(v.Int() + 1)
	}
}

// TestCompare_ClassifiesEveryField changes each value alone and asks what it needs.
func TestCompare_ClassifiesEveryField(t *testing.T) {
	var keys []string
	eachLeaf(reflect.ValueOf(full()).Elem(), "", "", func(_ reflect.Value, key, _ string) { keys = append(keys, key) })
	if len(keys) < 90 {
		t.Fatalf("found only %d values", len(keys))
	}
	for _, key := range keys {
		old, changed := full(), full()
		var effect string
		eachLeaf(reflect.ValueOf(changed).Elem(), "", "", func(leaf reflect.Value, at, tag string) {
			if at == key {
				change(leaf)
				effect = tag
			}
		})
		d := Compare(old, changed)
		got := map[string][]string{"roll": d.Roll, "apply": d.Apply, "restart": d.Restart}
		if effect == "" || !slices.Equal(got[effect], []string{key}) || len(d.Roll)+len(d.Apply)+len(d.Restart) != 1 {
			t.Errorf("%s, tagged %q: got %+v", key, effect, d)
		}
		isPool := strings.HasPrefix(key, "pools.app.")
		if rolled := slices.Contains(d.Rolled, "app"); rolled != (effect == "roll") {
			t.Errorf("%s, tagged %q: rolled pools are %q", key, effect, d.Rolled)
		}
		if inPlace := slices.Contains(d.Changed, "app"); inPlace != (isPool && effect == "apply") {
			t.Errorf("%s, tagged %q: changed pools are %q", key, effect, d.Changed)
		}
	}
}

func TestCompare_RollsWhatTheInterfaceSays(t *testing.T) {
	var rolls, restarts []string
	eachLeaf(reflect.ValueOf(full()).Elem(), "", "", func(_ reflect.Value, key, effect string) {
		switch effect {
		case "roll":
			rolls = append(rolls, strings.TrimPrefix(key, "pools.app."))
		case "restart":
			restarts = append(restarts, key)
		}
	})
	if got := strings.Join(rolls, " "); got != "command[0] command[1] directory env.A envFile transport processManagement.ready resources.maxMemoryPerWorker "+
		"resources.maxCpuPerWorker resources.maxOpenFiles resources.maxProcesses security.user security.group security.noNewPrivileges "+
		"security.sandbox security.readOnlyPaths[0] security.writablePaths[0] security.privateNetwork security.privatePids" {
		t.Errorf("rolls: %s", got)
	}
	sections := slices.CompactFunc(slices.Clone(restarts), func(a, b string) bool {
		return within(a, "ipc") && within(b, "ipc") || within(a, "cache") && within(b, "cache")
	})
	if got := strings.Join(sections, " "); got != "ipc.encryption cache.enabled admin.address admin.socket" {
		t.Errorf("restarts: %s", got)
	}
}

func TestCompare_SeesWhatComesAndGoes(t *testing.T) {
	f := func(edit func(c *Config), want string) {
		t.Helper()
		c := full()
		edit(c)
		if got := Compare(full(), c).String(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	f(func(*Config) {}, "nothing changed")
	f(func(c *Config) { c.Pools["new"] = DefaultPool() }, "new pools: new")
	f(func(c *Config) { c.Pools = nil }, "removed pools: app")
	f(func(c *Config) { c.Pools["app"].Command = append(c.Pools["app"].Command, "x") }, "rolled pools: app")
	f(func(c *Config) { delete(c.Pools["app"].Env, "A") }, "rolled pools: app")
	f(func(c *Config) { c.Pools["app"].Env["B"] = "" }, "rolled pools: app")
	f(func(c *Config) { c.Routes[0].Timeouts.FirstByte = nil }, "applied: routes[0].timeouts.firstByte")
	f(func(c *Config) { c.Routes = nil }, "applied: routes")
	f(func(c *Config) { c.Server.Listeners = append(c.Server.Listeners, Listener{}) }, "applied: server.listeners")
	f(func(c *Config) {
		c.Logging.Levels = nil
		c.Admin.Address = "x"
		c.Pools["app"].Workers = 3
		c.Pools["app"].EnvFile = "x"
	},
		"rolled pools: app; applied: logging.levels.proxy, pools.app.workers; needs a restart: admin.address")
}

func TestCompare_TakesNilAndEmptyAsTheSame(t *testing.T) {
	a, b := full(), full()
	a.Routes, b.Routes = nil, []Route{}
	a.Pools["app"].Env, b.Pools["app"].Env = nil, map[string]string{}
	a.Admin.Tokens, b.Admin.Tokens = []Token{}, nil
	if d := Compare(a, b); !d.Empty() {
		t.Errorf("got %+v", d)
	}
}

func TestCompare_SeesWhatAnEnvFileHolds(t *testing.T) {
	path := write(t, "env", "A=1\n", 0o600)
	text := minimal + "    envFile: " + path + "\n"
	before := parse(t, text)
	if err := writeFile(path, "# comment\nA=1\n"); err != nil {
		t.Fatal(err)
	}
	if d := Compare(before, parse(t, text)); !d.Empty() {
		t.Errorf("a comment is a change: %+v", d)
	}
	if err := writeFile(path, "A=2\n"); err != nil {
		t.Fatal(err)
	}
	if d := Compare(before, parse(t, text)); !slices.Equal(d.Rolled, []string{"app"}) || !slices.Equal(d.Roll, []string{"pools.app.envFile"}) {
		t.Errorf("got %+v", d)
	}
}
