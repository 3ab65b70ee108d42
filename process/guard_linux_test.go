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
	f.Fuzz(func(t *testing.T, b []byte) {
		w := ward{roots: make(map[identity]*root)}
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
