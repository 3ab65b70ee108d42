package mountinfo

import (
	"reflect"
	"testing"
)

func TestParse(t *testing.T) {
	f := func(line string, want Mount, ok bool) {
		t.Helper()
		if got, is := Parse(line); is != ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, %v", line, got, is)
		}
	}
	f("36 35 98:0 /a\\040b /mnt/c\\134d rw,noatime master:1 - ext4 /dev/root rw,errors=continue\n",
		Mount{"/a b", `/mnt/c\d`, "ext4", []string{"rw", "errors=continue"}}, true)
	f("31 23 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory", Mount{"/", "/sys/fs/cgroup/memory", "cgroup", []string{"rw", "memory"}}, true)
	f("", Mount{}, false)
	f("36 35 98:0 / - ext4 /dev/root rw", Mount{}, false)
	f("36 35 98:0 / /mnt rw ext4 /dev/root rw", Mount{}, false)
}
