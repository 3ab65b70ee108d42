package monitor

import "bytes"

// usage is what the kernel says of one process.
type usage struct {
	parent    int
	ticks     uint64 // user and system time
	reaped    uint64 // the same of the children it waited for
	start     uint64 // ticks since boot; with the pid it names one process for ever
	threads   int
	rss       uint64 // bytes
	shared    uint64 // bytes of rss
	openFiles int
	dead      bool // a zombie; its time counts still
}

// The fields of /proc/PID/stat that are read, as proc(5) numbers them.
const (
	fieldState   = 3
	fieldParent  = 4
	fieldUser    = 14
	fieldSystem  = 15
	fieldCUser   = 16
	fieldCSystem = 17
	fieldThreads = 20
	fieldStart   = 22
)

// parseStat reads the text of /proc/PID/stat; false when it is something else.
// The name in parentheses may hold any character.
func parseStat(text []byte) (usage, bool) {
	end := bytes.LastIndexByte(text, ')')
	if end < 0 {
		return usage{}, false
	}
	var u usage
	rest := bytes.TrimLeft(text[end+1:], " ")
	for field := fieldState; field <= fieldStart; field++ {
		if len(rest) == 0 {
			return usage{}, false
		}
		word := rest
		if i := bytes.IndexAny(rest, " \n"); i >= 0 {
			word, rest = rest[:i], rest[i+1:]
		} else {
			rest = nil
		}
		if field == fieldState {
			u.dead = len(word) == 1 && (word[0] == 'Z' || word[0] == 'X')
			continue
		}
		n := digits(word)
		switch field {
		case fieldParent:
			u.parent = int(n)
		case fieldUser, fieldSystem:
			u.ticks += n
		case fieldCUser, fieldCSystem:
			u.reaped += n
		case fieldThreads:
			u.threads = int(n)
		case fieldStart:
			u.start = n
		}
	}
	return u, true
}

// parseStatm returns the resident pages in the text of /proc/PID/statm, and how
// many of them are files or shared memory.
func parseStatm(text []byte) (resident, shared uint64) {
	_, rest, _ := bytes.Cut(text, []byte{' '})
	first, rest, _ := bytes.Cut(rest, []byte{' '})
	second, _, _ := bytes.Cut(rest, []byte{' '})
	return digits(first), digits(second)
}

// digits reads a decimal number, 0 for what is none.
func digits(word []byte) uint64 {
	var n uint64
	for _, c := range word {
		if c < '0' || c > '9' {
			return 0
		}
		n = n*10 + uint64(c-'0')
	}
	return n
}
