package logs

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/term"

	"github.com/drover-proxy/drover/config"
)

const (
	ownLimit    = 4 << 20 // bytes of drover's own lines that wait for a stuck disk
	workerLimit = 8 << 20 // of the workers' lines
	// announceEvery is how often lost lines are announced.
	announceEvery = time.Second
)

// Logs is everything drover writes down. Its methods may be called concurrently.
type Logs struct {
	out      *output
	settings atomic.Pointer[settings]
	own      *queue // drover's own lines
	worker   *queue // the workers' lines
	access   *queue // requests

	mu         sync.Mutex // held while settings are changed
	accessLogs []*AccessLog
	lost       *announcer
}

// New opens what the settings name and starts the writers. Lines go to stderr
// unless the settings name files. Close ends it.
func New(cfg config.Logging, stderr *os.File) (*Logs, error) {
	s, err := newSettings(cfg, stderr)
	if err != nil {
		return nil, err
	}
	out, err := newOutput(stderr, cfg.Files)
	if err != nil {
		return nil, err
	}
	l := &Logs{
		out:    out,
		own:    newQueue(out, 1, ownLimit, 0),
		worker: newQueue(out, 1, workerLimit, 0),
		access: newQueue(out, accessShards(), accessLimit/accessShards(), accessDelay),
	}
	l.settings.Store(s)
	l.lost = newAnnouncer(l.announceLost)
	l.access.onDrop = func(lines uint64) { l.lost.note("request", lines) }
	return l, nil
}

// Logger returns the logger of one part of drover. Which of its lines are
// written follows logging.levels, also after a reload.
func (l *Logs) Logger(component string) *zap.Logger {
	return zap.New(&core{logs: l, component: component}).Named(component)
}

// AccessLog returns the log of requests.
func (l *Logs) AccessLog(cfg config.AccessLog) *AccessLog {
	a := &AccessLog{q: l.access}
	l.mu.Lock()
	defer l.mu.Unlock()
	a.apply(cfg, l.settings.Load().console)
	l.accessLogs = append(l.accessLogs, a)
	return a
}

// Apply changes levels, format, files and the log of requests to those of cfg.
// On error nothing changed.
func (l *Logs) Apply(cfg config.Logging) error {
	s, err := newSettings(cfg, l.out.stderr)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.out.apply(cfg.Files); err != nil {
		return err
	}
	l.settings.Store(s)
	for _, a := range l.accessLogs {
		a.apply(cfg.AccessLog, s.console)
	}
	return nil
}

// Reopen closes the log files and opens them anew under their names, after
// another program moved them.
func (l *Logs) Reopen() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	for _, f := range l.out.files() {
		errs = append(errs, f.reopen())
	}
	return errors.Join(errs...)
}

// Sync waits until every line that was logged before is written.
func (l *Logs) Sync() {
	for _, q := range []*queue{l.access, l.worker, l.own} {
		q.flush()
	}
}

// Close writes what waits, waiting at most two seconds for each kind of line
// when the disk is stuck, and closes the files. Lines logged later are lost.
func (l *Logs) Close() error {
	l.lost.close()
	for _, q := range []*queue{l.access, l.worker, l.own} {
		q.close()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out.close()
	return nil
}

// Dropped returns how many lines of each kind were lost because they could not
// be written fast enough, or at all: request, worker and drover.
func (l *Logs) Dropped() map[string]uint64 {
	return map[string]uint64{
		"request": l.access.dropped.Load(),
		"worker":  l.worker.dropped.Load(),
		"drover":  l.own.dropped.Load(),
	}
}

func (l *Logs) announceLost(lost map[string]uint64) {
	for kind, n := range lost {
		l.Logger("logs").Warn("log lines were lost because they could not be written fast enough",
			zap.String("kind", kind), zap.Uint64("lines", n))
	}
}

// OnTrouble has told called when a place for log lines, such as a file on a full
// disk, ceases to take them, with the reason, and once it takes them again, with
// no reason and how many were lost there. told must not wait.
func (l *Logs) OnTrouble(told func(place string, err error, lost uint64)) {
	t := &l.out.troubles
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tell = func(place string, err error, lost uint64) {
		if err != nil && place != standardError {
			go l.out.complain(place, err)
		}
		told(place, err, lost)
	}
}

// settings are how lines look and which are written. They never change after
// they were published.
type settings struct {
	console bool
	encoder zapcore.Encoder
	level   zapcore.Level
	levels  map[string]zapcore.Level
}

func newSettings(cfg config.Logging, stderr *os.File) (*settings, error) {
	s := &settings{levels: map[string]zapcore.Level{}}
	var err error
	if s.level, err = parseLevel("logging.level", cfg.Level); err != nil {
		return nil, err
	}
	for component, level := range maps.All(cfg.Levels) {
		if s.levels[component], err = parseLevel("logging.levels."+component, level); err != nil {
			return nil, err
		}
	}
	terminal := len(cfg.Files) == 0 && term.IsTerminal(int(stderr.Fd()))
	switch cfg.Format {
	case "json":
	case "console":
		s.console = true
	case "auto", "":
		s.console = terminal
	default:
		return nil, fmt.Errorf("logging.format: %q is not a format; use json, console or auto", cfg.Format)
	}
	s.encoder = newEncoder(s.console, terminal && os.Getenv("NO_COLOR") == "")
	return s, nil
}

func parseLevel(key, level string) (zapcore.Level, error) {
	if level == "" {
		return zapcore.InfoLevel, nil
	}
	l, err := zapcore.ParseLevel(level)
	if err != nil || l > zapcore.ErrorLevel {
		return 0, fmt.Errorf("%s: %q is not a level; use debug, info, warn or error", key, level)
	}
	return l, nil
}

func (s *settings) enabled(component string, l zapcore.Level) bool {
	least, ok := s.levels[component]
	if !ok {
		least = s.level
	}
	return l >= least
}
