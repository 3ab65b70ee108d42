package logs

import "io"

// tear is where a write has ended in the middle of a line, as on a full disk. The
// next one begins on a line of its own: what was cut is one damaged line, not two.
type tear struct{ open bool }

// write writes whole lines; n does not count what mends the tear.
func (t *tear) write(to io.Writer, lines []byte) (n int, err error) {
	if t.open {
		if _, err := to.Write(newline); err != nil {
			return 0, err
		}
		t.open = false
	}
	n, err = to.Write(lines)
	if n > 0 && lines[n-1] != '\n' {
		t.open = true
	}
	return n, err
}
