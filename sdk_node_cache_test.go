package main

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/drover-proxy/drover/internal/workertest"
)

// The shared cache through sdk/node, in several workers at once.

func TestSDKNode_Cache(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "node")
	sdkCaches(t, "node", app(t, "sdk-node", "server.js"))
}

func TestSDKNode_CacheInBun(t *testing.T) {
	t.Parallel()
	needModules(t, "bun")
	sdkCaches(t, bun(t), app(t, "sdk-node", "server.js"))
}

func TestSDKNode_CacheUnderNpm(t *testing.T) {
	t.Parallel()
	workertest.Need(t, "npm")
	sdkCaches(t, "npm", "start", "--silent", "--prefix", app(t, "sdk-node"))
}

func sdkCaches(t *testing.T, argv ...string) {
	t.Helper()
	d := sdkInstance(t, "cache: { enabled: true, maxEntryBytes: 1000KB }\n", argv...)
	d.sdkSharesEntries()
	d.sdkIsolatesFaults()
	d.sdkCountsTogether()
	d.sdkComputesOnce()
	d.sdkComputesAfterDeath()
	d.sdkKeepsCopies()
}

func (d *instance) sdkSharesEntries() {
	d.t.Helper()
	d.says("app-1", `
		const users = drover.cache.namespace('users');
		return Promise.all([
			users.set('7', { name: 'zażółć' }, { tags: ['team:1'] }), users.set('8', [1, null], { tags: ['team:1'] }),
			users.add('7', 0), users.set('short', 1, { ttl: 30 }), users.set('a:1', 1), drover.cache.set('7', 'default')]);`, `[true,true,false,true,true,true]`)
	d.says("jobs-1", `return drover.cache.namespace('users').getMany(['7', '8', 'none'])`, `[{"name":"zażółć"},[1,null],null]`)
	d.says("app-2", `
		const users = drover.cache.namespace('users');
		while (await users.get('short') !== undefined) await new Promise((done) => setTimeout(done, 5));
		return [await drover.cache.get('7'), await users.invalidateTag('team:1'), await users.get('7') === undefined, await users.invalidatePrefix('a:'), await users.delete('8')];`,
		`["default",2,true,1,false]`)
	d.says("app-1", `return drover.cache.stats().then(({ entries }) => entries > 0)`, `true`)
}

// What one caller asks for wrongly, or asks too much of, must not harm what others ask for in the same turn.
func (d *instance) sdkIsolatesFaults() {
	d.t.Helper()
	d.says("app-1", `
		let deep = 0;
		for (let i = 0; i < 100; i++) deep = [deep];
		const { cache } = drover;
		const all = await Promise.allSettled([
			cache.set('good', 1), cache.set('half', '\ud800'), cache.get('good'), cache.set('deep', deep), cache.get(''),
			cache.set('large', 'x'.repeat(1010 * 1024)), cache.set('huge', 'x'.repeat(2 << 20)), cache.set('text', 'a'), cache.increment('text'), cache.namespace('a b').get('k')]);
		return all.map(({ value, reason }) => reason ? reason.code : value);`,
		`[true,"bad-frame",1,"too-deep","bad-operation","too-large","too-large",true,"not-a-number","bad-operation"]`)
	// Together these are more than one frame may bring.
	d.says("app-1", `
		const keys = Array.from({ length: 20 }, (_, i) => 'big' + i);
		await Promise.all(keys.map((key) => drover.cache.set(key, key + 'x'.repeat(600_000))));
		const right = (values) => values.filter((value, i) => value === keys[i] + 'x'.repeat(600_000)).length;
		return [right(await Promise.all(keys.map((key) => drover.cache.get(key)))), right(await drover.cache.getMany(keys)), await drover.cache.invalidatePrefix('big')];`,
		`[20,20,20]`)
}

func (d *instance) sdkCountsTogether() {
	d.t.Helper()
	d.together(`for (let i = 0; i < 20; i++) await Promise.all(Array.from({ length: 50 }, () => drover.cache.increment('visits')))`, "app-1", "app-2", "app-3")
	d.says("app-1", `return drover.cache.get('visits')`, `3000`)
}

// Of all workers that ask at the same time one computes.
func (d *instance) sdkComputesOnce() {
	d.t.Helper()
	answers := d.together(`
		const compute = async (key) => { state.computed++; await new Promise((done) => setTimeout(done, 100)); return { by: drover.worker.id, key }; };
		return Promise.all([1, 2, 3].map(() => drover.cache.getOrSet('costly', compute, { ttl: 60000 })));`, "app-1", "app-2", "app-3")
	for _, answer := range answers[1:] {
		if answer != answers[0] || !strings.Contains(answer, `"key":"costly"`) {
			d.t.Errorf("getOrSet gave %v", answers)
		}
	}
	computed := d.together(`return state.computed`, "app-1", "app-2", "app-3")
	if got := strings.Join(computed, ""); strings.Count(got, "1") != 1 || strings.Count(got, "0") != 2 {
		d.t.Errorf("the value was computed %v times", computed)
	}
	d.fails("app-1", `return drover.cache.getOrSet('fails', () => { throw new drover.DroverError('no-database') })`, "no-database")
	d.says("app-2", `return drover.cache.getOrSet('fails', () => 'now')`, `"now"`)
}

// A worker that dies while it computes leaves it to the next one that waits.
func (d *instance) sdkComputesAfterDeath() {
	d.t.Helper()
	var dying sync.WaitGroup
	dying.Go(func() {
		// It gives no answer.
		_, _ = d.js("app-3", `return drover.cache.getOrSet('legacy', async () => { await drover.cache.set('holds', 1); await new Promise((done) => setTimeout(done, 100)); process.kill(process.pid, 'SIGKILL'); })`)
	})
	d.says("app-1", `
		while (await drover.cache.get('holds') !== 1) await new Promise((done) => setTimeout(done, 5));
		return drover.cache.getOrSet('legacy', () => 'of app-1', { wait: 60000 });`, `"of app-1"`)
	dying.Wait()
	d.eventuallySays("app-3", `return drover.worker.id`, `"app-3.2"`)
}

func (d *instance) sdkKeepsCopies() {
	d.t.Helper()
	d.says("app-2", `return drover.cache.namespace('near').set('k', { version: 1 })`, `true`)
	d.says("app-1", `
		state.near = drover.cache.namespace('near', { near: true });
		const first = await state.near.get('k');
		return [first, first === await state.near.get('k')];`, `[{"version":1},true]`)
	// Each change is seen, whoever makes it and however.
	d.says("app-2", `return drover.cache.namespace('near').set('k', { version: 2 }, { tags: ['t'] })`, `true`)
	d.eventuallySays("app-1", `return state.near.get('k')`, `{"version":2}`)
	d.says("app-2", `return drover.cache.namespace('near').invalidateTag('t')`, `1`)
	d.eventuallySays("app-1", `return state.near.get('k')`, `null`)
	d.says("app-1", `
		let wrong = 0;
		for (let i = 0; i < 500; i++) {
			state.near.set('own', i);
			if (await state.near.get('own') !== i) wrong++;
		}
		return wrong;`, `0`)
	// In the end every worker has what was written last.
	d.together(`
		const near = drover.cache.namespace('near', { near: true });
		for (let i = 0; i < 300; i++) await Promise.all([near.set('last', drover.worker.id + ' ' + i), near.get('last'), near.get('last')]);`, "app-1", "app-2", "app-3")
	d.eventually("copies are the same", func() error {
		values := d.together(`return drover.cache.namespace('near', { near: true }).get('last')`, "app-1", "app-2", "app-3")
		plain := d.together(`return drover.cache.namespace('near').get('last')`, "jobs-1") // which keeps no copies
		for _, value := range values {
			if value != plain[0] {
				return fmt.Errorf("copies %v, in the cache %v", values, plain)
			}
		}
		return nil
	})
}

// together has workers run the same JavaScript at the same time, and returns what each says.
func (d *instance) together(code string, slots ...string) []string {
	d.t.Helper()
	answers := make([]string, len(slots))
	var all sync.WaitGroup
	for i, slot := range slots {
		all.Go(func() {
			got, err := d.js(slot, code)
			if err != nil || strings.HasPrefix(got, `{"code"`) || strings.HasPrefix(got, `{"message"`) {
				d.t.Errorf("%s: %s\n%s %v", slot, code, got, err)
			}
			answers[i] = got
		})
	}
	all.Wait()
	return answers
}
