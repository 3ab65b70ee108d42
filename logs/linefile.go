package logs

import (
	"github.com/drover-proxy/drover/config"
)

// lineFileLimit is how many bytes of a LineFile wait for a stuck disk.
const lineFileLimit = 8 << 20

// LineFile is a file of lines that are not drover's log, such as an audit log.
// It rotates and reopens as log files do, nobody who writes to it waits for the
// disk, and only its owner can read it. All methods may be called concurrently.
type LineFile struct {
	file  *file
	queue *queue
	lost  *announcer
}

// OpenLineFile opens the file for appending and makes its folder when that is
// missing. setting is where the path comes from, for messages. lost is called at
// most once a second when lines were lost since, because they could not be
// written fast enough or at all.
func OpenLineFile(cfg config.LogFile, setting string, lost func(lines uint64)) (*LineFile, error) {
	f, err := openFile(cfg, fileUse{setting: setting, mode: 0o600})
	if err != nil {
		return nil, err
	}
	out := &output{}
	out.sinks.Store(&[]sink{f})
	l := &LineFile{file: f, queue: newQueue(out, 1, lineFileLimit, 0)}
	l.lost = newAnnouncer(func(counts map[string]uint64) { lost(counts["line"]) })
	l.queue.onDrop = func(lines uint64) { l.lost.note("line", lines) }
	return l, nil
}

// Put takes a copy of a line that ends in a newline. It never waits: a line that
// finds no room is dropped and counted.
func (l *LineFile) Put(line []byte) { l.queue.put(line) }

// Dropped returns how many lines were lost.
func (l *LineFile) Dropped() uint64 { return l.queue.dropped.Load() }

// Reopen closes the file and opens it anew under its name, after another
// program moved it.
func (l *LineFile) Reopen() error { return l.file.reopen() }

// Close writes what waits, waiting at most two seconds when the disk is stuck,
// and closes the file. Lines put later are lost.
func (l *LineFile) Close() {
	l.queue.close()
	l.lost.close()
	l.file.close()
}
