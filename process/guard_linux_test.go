package process

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
)

func FuzzReadNotice(f *testing.F) {
	f.Add(addNotice(identity{1, 2}, mark{id: "a"}).encode())
	f.Add(notice{verb: noticeGroup, root: identity{1, 2}, extra: [4]string{"/sys/fs/cgroup/a/b"}}.encode())
	f.Add(notice{verb: noticeMember, root: identity{1, 2}, extra: [4]string{"3", "4"}}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		w := newWard(0)
		r := bufio.NewReader(strings.NewReader(string(b)))
		for {
			n, err := readNotice(r)
			if errors.Is(err, io.EOF) {
				return
			}
			if err == nil {
				w.apply(n)
			}
		}
	})
}
