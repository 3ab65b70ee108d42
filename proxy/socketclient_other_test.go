//go:build !linux

package proxy

import "testing"

// socketThrough is for where requests are served inside RawConn.Read.
func (r *corpusRig) socketThrough(t testing.TB, pieces []string) relayed {
	t.Helper()
	return r.piecesThrough(t, pieces)
}
