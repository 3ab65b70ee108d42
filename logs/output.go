package logs

import (
	"io"
	"os"
	"sync"
	"sync/atomic"

	"github.com/drover-proxy/drover/config"
)

// output is where finished lines go: standard error, or files. The set may be
// replaced while others write.
type output struct {
	stderr *os.File
	sinks  atomic.Pointer[[]sink]
}

// sink takes whole lines. It may be written to concurrently.
type sink interface{ io.Writer }

func newOutput(stderr *os.File, files []config.LogFile) (*output, error) {
	o := &output{stderr: stderr}
	return o, o.apply(files)
}

// write hands lines to every sink and returns how many bytes at least one took.
func (o *output) write(lines []byte) int {
	written := 0
	for _, s := range *o.sinks.Load() {
		n, _ := s.Write(lines) // what was not written is counted as dropped by the caller
		written = max(written, n)
	}
	return written
}

// apply replaces the sinks. A file that is in both sets stays open; on error nothing changed.
func (o *output) apply(files []config.LogFile) error {
	old := o.files()
	var sinks []sink
	var opened []*file
	for _, cfg := range files {
		f := old[cfg.Path]
		if f == nil {
			var err error
			if f, err = openFile(cfg); err != nil {
				for _, f := range opened {
					f.close()
				}
				return err
			}
			opened = append(opened, f)
		}
		sinks = append(sinks, f)
	}
	if len(files) == 0 {
		sinks = []sink{&stream{w: o.stderr}}
	}
	o.sinks.Store(&sinks)
	for _, cfg := range files {
		if f := old[cfg.Path]; f != nil {
			f.limits.Store(newLimits(cfg))
			delete(old, cfg.Path)
		}
	}
	for _, f := range old {
		f.close()
	}
	return nil
}

func (o *output) files() map[string]*file {
	files := map[string]*file{}
	if sinks := o.sinks.Load(); sinks != nil {
		for _, s := range *sinks {
			if f, ok := s.(*file); ok {
				files[f.path] = f
			}
		}
	}
	return files
}

// stream is standard error, which several queues write to.
type stream struct {
	mu sync.Mutex
	w  io.Writer
}

// Write writes whole lines; those of two callers do not mix.
func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}
