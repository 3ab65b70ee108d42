package proxy

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// Whatever a client sends: what goes upstream is read in the same way by all
// readers, it is what a strict one reads in the client's bytes, and each answer
// belongs to its request. seed says how raw is changed first and in which pieces
// it comes; with 0 it is not changed and comes at once. A finding, as it is printed,
// becomes a row of the corpus: what a seed does changes with that.
func FuzzCorpus_NothingIsSmuggled(f *testing.F) {
	for i := range corpus {
		if s := &corpus[i]; len(s.raw) < fuzzBytes/2 {
			f.Add(s.raw, uint64(0))
			f.Add(s.raw+nextRaw, uint64(i+1))
		}
	}
	for _, path := range []string{"early", "refused"} { // answered before the body was read
		for seed := range uint64(8) {
			f.Add("POST /"+path+" HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: "+itoa(len(evil))+"\r\n\r\n"+evil+nextRaw, seed)
		}
	}
	j, r := judges{newLLHTTP(f)}, newCorpusRig(f)
	f.Fuzz(func(t *testing.T, raw string, seed uint64) {
		parts := []string{raw}
		if seed != 0 {
			random := rand.New(rand.NewPCG(seed, 1))
			raw = weave(raw, random)
			parts = pieces(raw, random)
		}
		if len(raw) > fuzzBytes {
			return // what is long is in the corpus; here it only costs time
		}
		re := r.piecesThrough(t, parts)
		if fault := re.fault(t, j, raw); fault != "" {
			t.Fatalf("%q in %d pieces: %s", raw, len(parts), fault)
		}
	})
}

const fuzzBytes = 16 << 10

// fault says what is wrong with what became of raw. The bytes mean what strictly
// reads in them; drover may refuse any of it, and then nothing behind that counts,
// but what it sends on must be just that, and what it does not refuse it must
// answer. net/http and llhttp are held against the same meaning as far as they
// come: they may refuse more than strictly does, and where it stops they may go
// on, but a request that both read must be one and the same.
func (r *relayed) fault(t testing.TB, j judges, raw string) string {
	t.Helper()
	meant := strictly(raw)
	var compare []string
	if len(meant.requests) > 0 {
		compare = append(compare, raw)
	}
	streams, byNode, differ := j.read(t, r.sent, compare...)
	if differ != "" {
		return differ
	}
	for _, other := range append(byNode, byGo(raw)) {
		if i := meant.differs(&other); i >= 0 {
			return fmt.Sprintf("the model is at fault: strictly %+v, to others %+v", meant.requests[i], other.requests[i])
		}
	}
	arrived, fault := inOrder(streams)
	if fault == "" {
		fault = meant.misread(arrived)
	}
	if fault == "" {
		fault = r.unanswered(&meant, arrived)
	}
	return fault
}
