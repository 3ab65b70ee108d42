package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/drover-proxy/drover/admin"
	"github.com/drover-proxy/drover/internal/cgroupfs"
	"github.com/drover-proxy/drover/internal/workertest"
)

// container is a control group that a drover is started in, as in a container.
type container struct {
	t                   *testing.T
	folder              string
	usage, limit, quota string // files in it
}

// newContainer makes one that can bound what the controller is for.
func newContainer(t *testing.T, controller string) container {
	t.Helper()
	workertest.Need(t, "root")
	groups, err := cgroupfs.Own()
	if err != nil {
		t.Fatal(err)
	}
	group, v1 := groups.V1[controller]
	if !v1 {
		group = groups.V2
	}
	c := container{t: t, folder: filepath.Join(group.Folder, fmt.Sprintf("drover-test-%d-%s", os.Getpid(), strings.ReplaceAll(t.Name(), "/", "-")))}
	if err := os.Mkdir(c.folder, 0o755); err != nil {
		workertest.Lack(t, "control groups cannot be made: "+err.Error())
	}
	t.Cleanup(func() {
		eventually(t, "the control group is empty", func() error {
			if err := os.Remove(c.folder); !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			return nil
		})
	})
	c.usage, c.limit, c.quota = "memory.current", "memory.max", "cpu.max"
	if v1 {
		c.usage, c.limit, c.quota = "memory.usage_in_bytes", "memory.limit_in_bytes", "cpu.cfs_quota_us"
	}
	return c
}

func (c container) write(file, value string) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(c.folder, file), []byte(value), 0o600); err != nil {
		workertest.Lack(c.t, "control groups cannot be used: "+err.Error())
	}
}

// run starts drover in it.
func (c container) run(d *instance, settings string) {
	c.t.Helper()
	enter := []string{"sh", "-c", `echo $$ > "$0/cgroup.procs" && exec "$@"`, c.folder}
	d.startBehind(enter, "run", "-c", d.settings(settings)).waitReady()
}

// used is the memory that it uses.
func (c container) used() int {
	c.t.Helper()
	raw, err := os.ReadFile(filepath.Join(c.folder, c.usage))
	if err != nil {
		c.t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil {
		c.t.Fatal(err)
	}
	return n
}

// In a container with 150 MB left a worker of more than 240 MB gets no second
// one, however much the machine has; when the container grows it does.
func TestAutoscale_LeavesTheContainerItsMemory(t *testing.T) {
	t.Parallel()
	c := newContainer(t, "memory")
	d := newInstance(t)
	c.run(d, scaledSettings)
	d.waitRunning(1)
	d.leak(240)
	c.write(c.limit, strconv.Itoa(c.used()+150<<20))
	d.eventually("drover has seen both", func() error {
		_, metrics, err := d.api("GET", "/metrics", "")
		if err != nil {
			return err
		}
		if !strings.Contains(metrics, `drover_host_memory_bytes{kind="limit"}`) {
			return errors.New("it has no limit")
		}
		var w admin.Worker
		if d.get("/api/v1/workers/app-1", &w); w.MemoryBytes < 240<<20 {
			return fmt.Errorf("the worker has %d bytes", w.MemoryBytes)
		}
		return nil
	})
	load := startLoad(d, 50, slowFor(300))
	d.waitScaled("the load asks for more, in vain", func(p poolScaling) bool {
		return p.Wanted == 1 && p.AutoScaling.Desired == 4 && p.AutoScaling.Blocked == "host-memory"
	})
	if _, stdout, _ := d.cli("status"); !strings.Contains(stdout, "the container that drover runs in, has no memory left for them") {
		t.Errorf("status says\n%s", stdout)
	}
	c.write(c.limit, strconv.Itoa(4<<30))
	d.waitScaled("there are more workers", func(p poolScaling) bool { return p.Wanted >= 2 && p.Ready >= 2 })
	load.end().noFailure(t, "slow GET")
}

// Half a CPU is one worker, though Go says that it is two.
func TestWorkers_AutoIsTheQuotaOfTheContainer(t *testing.T) {
	t.Parallel()
	c := newContainer(t, "cpu")
	if c.quota == "cpu.max" {
		c.write(c.quota, "50000 100000")
	} else {
		c.write(c.quota, "50000")
	}
	d := newInstance(t)
	c.run(d, strings.NewReplacer("workers: 1\n", "workers: auto\n", "enabled: true", "enabled: false").Replace(scaledSettings))
	d.waitRunning(1)
	var p poolScaling
	if d.get("/api/v1/pools/app", &p); p.Wanted != 1 {
		t.Errorf("%d workers are wanted", p.Wanted)
	}
}
