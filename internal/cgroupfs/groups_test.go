package cgroupfs

import (
	"reflect"
	"testing"
)

func TestFind_OnAllKindsOfMachines(t *testing.T) {
	f := func(mounts, own string, want Groups) {
		t.Helper()
		if want.V1 == nil {
			want.V1 = map[string]Group{}
		}
		if got := Find(mounts, own); !reflect.DeepEqual(got, want) {
			t.Errorf("%s%s%+v", mounts, own, got)
		}
	}
	const at = "/sys/fs/cgroup"
	unified := "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
	f(unified, "0::/system.slice/drover.service\n", Groups{V2: Group{at + "/system.slice/drover.service", at}})
	f(unified, "0::/\n", Groups{V2: Group{at, at}})
	hybrid := "31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n" +
		"32 30 0:28 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n" +
		"33 30 0:29 / /sys/fs/cgroup/with\\040space rw - cgroup cgroup rw,pids\n" +
		"34 30 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
	cpu := Group{at + "/cpu,cpuacct/a", at + "/cpu,cpuacct"}
	f(hybrid, "5:cpu,cpuacct:/a\n4:memory:/docker/abc/b\n3:pids:/c\n2:blkio:/\n0::/d\n", Groups{V2: Group{at + "/unified/d", at + "/unified"}, V1: map[string]Group{
		"cpu": cpu, "cpuacct": cpu, "memory": {at + "/memory/b", at + "/memory"}, "pids": {at + "/with space/c", at + "/with space"}}})
	f(hybrid, "4:memory:/elsewhere\n", Groups{V2: Group{at + "/unified", at + "/unified"}, V1: map[string]Group{"memory": {at + "/memory", at + "/memory"}}})
	f("nonsense\n", "nonsense\n", Groups{})
}
