package logs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/drover-proxy/drover/config"
)

// output is where finished lines go: standard error, or files. The set may be
// replaced while others write.
type output struct {
	stderr *os.File // as it was given, for what it is
	stream *stream  // the same, for writing
	sinks  atomic.Pointer[[]sink]

	troubles troubles
}

// sink takes whole lines. It may be written to concurrently.
type sink interface{ io.Writer }

func newOutput(stderr *os.File, files []config.LogFile) (*output, error) {
	o := &output{stderr: stderr}
	var err error
	if o.stream, err = newStream(stderr); err != nil {
		return nil, err
	}
	if err := o.apply(files); err != nil {
		_ = o.stream.f.Close() // nothing was written
		return nil, err
	}
	return o, nil
}

// close closes the files, and our copy of standard error.
func (o *output) close() {
	for _, f := range o.files() {
		f.close()
	}
	_ = o.stream.f.Close() // every write was checked
}

// write hands lines to every sink and returns how many bytes at least one took.
func (o *output) write(lines []byte) int {
	written := 0
	for _, s := range *o.sinks.Load() {
		n, err := s.Write(lines) // what was not written is counted as dropped by the caller
		if (err != nil || o.troubles.any()) && !errors.Is(err, os.ErrClosed) {
			o.troubles.note(place(s), err, lines[n:])
		}
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
			if f, err = openFile(cfg, ownLog); err != nil {
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
		sinks = []sink{o.stream}
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
		o.troubles.forget(f.path)
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

// stream is standard error, which several queues write to. It is a copy of the
// descriptor, because Go ends a program that writes to a broken pipe as
// descriptor 2: whoever reads our log may go away without taking us along.
type stream struct {
	mu   sync.Mutex
	f    *os.File
	tear tear
}

func newStream(f *os.File) (*stream, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, fmt.Errorf("copy standard error: %w", err)
	}
	return &stream{f: os.NewFile(uintptr(fd), f.Name())}, nil
}

// Write writes whole lines; those of two callers do not mix.
func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tear.write(s.f, p)
}
