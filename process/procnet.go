package process

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strconv"
)

// parseProcTCP reads /proc/net/tcp or tcp6, for where sock_diag is missing: the sockets that listen.
// Whether one takes IPv6 only is not in there.
func parseProcTCP(text []byte) []listener {
	var found []listener
	for line := range bytes.Lines(text) {
		words := bytes.Fields(line)
		if len(words) < 10 || string(words[3]) != "0A" {
			continue
		}
		address, ok := parseHexAddress(words[1])
		inode, err := strconv.ParseUint(string(words[9]), 10, 64)
		if ok && err == nil {
			found = append(found, listener{address: address, inode: inode})
		}
	}
	return found
}

// parseHexAddress reads 0100007F:1F90: words of four bytes in the machine's order, then the port.
func parseHexAddress(word []byte) (netip.AddrPort, bool) {
	ip, port, ok := bytes.Cut(word, []byte(":"))
	raw := make([]byte, hex.DecodedLen(len(ip)))
	if _, err := hex.Decode(raw, ip); !ok || err != nil || len(raw) != 4 && len(raw) != 16 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(raw); i += 4 {
		binary.NativeEndian.PutUint32(raw[i:], binary.BigEndian.Uint32(raw[i:]))
	}
	number, err := strconv.ParseUint(string(port), 16, 16)
	if err != nil {
		return netip.AddrPort{}, false
	}
	address, _ := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(address, uint16(number)), true
}

// parseProcUnix reads /proc/net/unix: the sockets that listen.
func parseProcUnix(text []byte) []listener {
	const accepting = 1 << 16 // __SO_ACCEPTCON
	var found []listener
	for line := range bytes.Lines(text) {
		words := bytes.SplitN(bytes.TrimRight(line, "\n"), []byte(" "), 8)
		// Num RefCount Protocol Flags Type St Inode Path; Inode is padded on the left.
		if len(words) < 8 {
			continue
		}
		flags, err := strconv.ParseUint(string(words[3]), 16, 32)
		if err != nil || flags&accepting == 0 {
			continue
		}
		rest := bytes.TrimLeft(bytes.Join(words[6:], []byte(" ")), " ")
		number, path, ok := bytes.Cut(rest, []byte(" "))
		inode, err := strconv.ParseUint(string(number), 10, 64)
		if ok && err == nil && len(path) > 0 {
			found = append(found, listener{inode: inode, path: string(path)})
		}
	}
	return found
}
