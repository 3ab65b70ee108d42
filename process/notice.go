package process

import (
	"bufio"
	"errors"
	"io"
	"strconv"
)

// notice is what the guardian is told: a verb, the pid and start time of a root, and four more
// fields, each ended by a zero byte. A notice is shorter than PIPE_BUF, so that a pipe takes it
// whole or not at all.
type notice struct {
	verb  byte // one of the constants below
	root  identity
	extra [4]string // of noticeAdd: the mark; of noticeMember: pid and start time of the member; of noticeGroup: its folders
}

const (
	noticeAdd    = '+' // a root was started
	noticeMember = 'm' // a member was seen that the root's session does not lead to
	noticeGroup  = 'g' // the control group that the root was put into
	noticeRemove = '-' // nothing of the root's tree is left
	noticeQuit   = 'q' // drover ends in order: go, and kill nothing
)

// maxNoticeField bounds a field; what is longer is left out, which means that it proves nothing.
const maxNoticeField = 900

var errNotice = errors.New("damaged notice")

func (n notice) encode() []byte {
	b := []byte{n.verb, 0}
	b = append(strconv.AppendInt(b, int64(n.root.pid), 10), 0)
	b = append(strconv.AppendUint(b, n.root.start, 10), 0)
	for _, field := range n.extra {
		if len(field) > maxNoticeField {
			field = ""
		}
		b = append(append(b, field...), 0)
	}
	return b
}

// readNotice returns the next notice; io.EOF at the end of the pipe, also within a notice, which
// means that the writer was killed.
func readNotice(r *bufio.Reader) (notice, error) {
	var fields [7]string
	for i := range fields {
		text, err := r.ReadString(0)
		if err != nil {
			return notice{}, io.EOF
		}
		fields[i] = text[:len(text)-1]
	}
	if len(fields[0]) != 1 {
		return notice{}, errNotice
	}
	id, err := parseIdentity(fields[1], fields[2])
	if err != nil {
		return notice{}, err
	}
	return notice{verb: fields[0][0], root: id, extra: [4]string(fields[3:])}, nil
}

func parseIdentity(pid, start string) (identity, error) {
	number, err := strconv.Atoi(pid)
	if err != nil || number < 0 {
		return identity{}, errNotice
	}
	ticks, err := strconv.ParseUint(start, 10, 64)
	if err != nil {
		return identity{}, errNotice
	}
	return identity{pid: number, start: ticks}, nil
}

func addNotice(id identity, m mark) notice {
	return notice{verb: noticeAdd, root: id, extra: [4]string{m.id, m.notify, m.port, m.socket}}
}

func memberNotice(root, member identity) notice {
	return notice{verb: noticeMember, root: root,
		extra: [4]string{strconv.Itoa(member.pid), strconv.FormatUint(member.start, 10)}}
}
