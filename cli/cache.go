package cli

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/drover-proxy/drover/admin"
)

// CacheCmds operate the cache that workers share.
type CacheCmds struct {
	Stats CacheStatsCmd `cmd:"" help:"The cache in numbers."`
	Get   CacheGetCmd   `cmd:"" help:"Print one entry."`
	Purge CachePurgeCmd `cmd:"" help:"Remove entries."`
	Warm  CacheWarmCmd  `cmd:"" help:"Store what cache.warm of the settings names."`
}

// Help shows examples.
func (*CacheCmds) Help() string {
	return `The cache is there with cache.enabled: true in the settings.

  drover cache stats
  drover cache get users 7
  drover cache purge users --tag team:1
  drover cache warm`
}

// CacheStatsCmd shows the cache in numbers.
type CacheStatsCmd struct {
	clientFlags
	jsonFlag
}

// Help shows an example.
func (*CacheStatsCmd) Help() string {
	return `Counts are totals since drover started.

  drover cache stats
  drover cache stats --json | jq '.namespaces[] | {name, hits, misses}'`
}

// Run asks and prints.
func (c *CacheStatsCmd) Run(env *Environment) error {
	client, err := c.connect(env)
	if err != nil {
		return err
	}
	var stats admin.CacheStats
	if err := client.get("/api/v1/cache", &stats); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(env, stats)
	}
	say(env.Stdout, "entries: %d, %s of %s\n", stats.Entries, size(uint64(stats.Bytes)), size(uint64(stats.MaxBytes)))
	if len(stats.Namespaces) == 0 {
		return nil
	}
	rows := make([][]string, len(stats.Namespaces))
	for i, n := range stats.Namespaces {
		rows[i] = namespaceRow(n)
	}
	say(env.Stdout, "\n")
	table(env, "NAMESPACE|ENTRIES|SIZE|HITS|MISSES|HIT RATE|EVICTED|EXPIRED|INVALIDATED|LOADS|LOAD TIME|WAITING|COPYING", rows)
	return nil
}

func namespaceRow(n admin.CacheNamespace) []string {
	rate, load := "-", "-"
	if reads := n.Hits + n.Misses; reads > 0 {
		rate = fmt.Sprintf("%.1f%%", 100*float64(n.Hits)/float64(reads))
	}
	if n.Loads > 0 {
		load = fmt.Sprintf("%.1f ms", n.LoadSeconds*1000/float64(n.Loads))
	}
	return []string{n.Name, fmt.Sprint(n.Entries), size(uint64(n.Bytes)), fmt.Sprint(n.Hits), fmt.Sprint(n.Misses), rate,
		fmt.Sprint(n.Evictions), fmt.Sprint(n.Expirations), fmt.Sprint(n.Invalidated), fmt.Sprint(n.Loads), load, fmt.Sprint(n.Waiting), fmt.Sprint(n.Copying)}
}

// CacheGetCmd prints one entry.
type CacheGetCmd struct {
	clientFlags
	jsonFlag
	Namespace string `arg:"" help:"The namespace."`
	Key       string `arg:"" help:"The key."`
}

// Help shows an example.
func (*CacheGetCmd) Help() string {
	return `Prints the value, JSON on one line; with --json also how long it is good.

  drover cache get users 7
  drover cache get users 7 | jq .name`
}

// Run asks and prints.
func (c *CacheGetCmd) Run(env *Environment) error {
	client, err := c.connect(env)
	if err != nil {
		return err
	}
	var e admin.CacheEntry
	query := url.Values{"namespace": {c.Namespace}, "key": {c.Key}}
	if err := client.get("/api/v1/cache/entry?"+query.Encode(), &e); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(env, e)
	}
	return printValue(env, e.Value)
}

// CachePurgeCmd removes entries.
type CachePurgeCmd struct {
	clientFlags
	jsonFlag
	Namespace string `arg:"" optional:"" help:"The namespace."`
	Key       string `arg:"" optional:"" help:"The key of one entry."`
	Tag       string `placeholder:"TAG" help:"In place of a key: the entries with this tag."`
	Prefix    string `placeholder:"TEXT" help:"In place of a key: the entries whose key begins so."`
	All       bool   `help:"In place of a key: all of the namespace; without one, the whole cache."`
}

// Help shows an example.
func (*CachePurgeCmd) Help() string {
	return `Workers that keep near copies are told to drop them.

  drover cache purge users 7
  drover cache purge users --tag team:1
  drover cache purge users --prefix session:
  drover cache purge users --all
  drover cache purge --all`
}

// Validate refuses what names nothing, or two things.
func (c *CachePurgeCmd) Validate() error {
	named := 0
	for _, is := range []bool{c.Key != "", c.Tag != "", c.Prefix != "", c.All} {
		if is {
			named++
		}
	}
	switch {
	case named == 0:
		return errors.New("say what goes: a namespace and a key, --tag, --prefix or --all")
	case named > 1:
		return errors.New("a key, --tag, --prefix and --all do not go together")
	case c.Namespace == "" && !c.All:
		return errors.New("name the namespace first: drover cache purge NAMESPACE")
	}
	return nil
}

// Run asks for it.
func (c *CachePurgeCmd) Run(env *Environment) error {
	client, err := c.connect(env)
	if err != nil {
		return err
	}
	body := admin.PurgeRequest{Namespace: c.Namespace, Key: c.Key, Tag: c.Tag, Prefix: c.Prefix, All: c.All}
	var result admin.Purged
	if err := client.post("/api/v1/cache/purge", body, &result); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(env, result)
	}
	say(env.Stdout, "removed: %d\n", result.Removed)
	return nil
}

// CacheWarmCmd warms the cache.
type CacheWarmCmd struct {
	clientFlags
	jsonFlag
	Replace bool `help:"Replace what is in the cache already; without it that stays."`
}

// Help shows an example.
func (*CacheWarmCmd) Help() string {
	return `Entries, files and requests to workers, as the settings have them under
cache.warm. Exit status 1 when something could not be used.

  drover cache warm
  drover cache warm --replace`
}

// longestWarming is more than any list of requests to workers should take.
const longestWarming = 10 * time.Minute

// Run asks for it.
func (c *CacheWarmCmd) Run(env *Environment) error {
	client, err := c.connect(env)
	if err != nil {
		return err
	}
	var result admin.Warmed
	if err := client.patient(longestWarming).post("/api/v1/cache/warm", admin.WarmRequest{Replace: c.Replace}, &result); err != nil {
		return err
	}
	if c.JSON {
		if err := printJSON(env, result); err != nil {
			return err
		}
	} else {
		say(env.Stdout, "stored: %d\nrequests answered: %d\n", result.Stored, result.Requests)
		for _, problem := range result.Problems {
			say(env.Stdout, "not used: %s\n", problem)
		}
	}
	if len(result.Problems) > 0 {
		return &ExitError{Code: ExitFailed} // said above
	}
	return nil
}
