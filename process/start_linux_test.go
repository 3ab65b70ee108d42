package process_test

import (
	"testing"

	"github.com/drover-proxy/drover/process"
)

// BenchmarkSpawner_Start is the whole of a start: fork, shim, execve, and the end of /bin/true.
func BenchmarkSpawner_Start(b *testing.B) {
	s := newSpawner(b, process.Options{Guardian: true, Subreaper: true})
	spec := process.Spec{Argv: []string{"/bin/true"}, Env: environ(nil)}
	b.Run("start", func(b *testing.B) {
		for b.Loop() {
			p := start(b, s, spec)
			<-p.Done()
		}
	})
}
