package drover

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
)

func FuzzElementsAreThoseOfTheList(f *testing.F) {
	for _, seed := range []string{`[]`, `[1]`, `null`, `[null,"a,b",{"x":[1,2]},[[],{}],"\"]","\\"]`, `[ 1 , [ ] ]`, `{}`, `5`, `"x"`, `[""]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var compact bytes.Buffer
		if json.Compact(&compact, text) != nil {
			return // frames are valid JSON
		}
		var want []json.RawMessage
		wrong := json.Unmarshal(compact.Bytes(), &want)
		got, err := elements(compact.Bytes())
		if (err != nil) != (wrong != nil) || err == nil && fmt.Sprintf("%s", got) != fmt.Sprintf("%s", want) {
			t.Errorf("%s: %s, %v, want %s, %v", compact.Bytes(), got, err, want, wrong)
		}
	})
}

func BenchmarkClient_ReadsAReplyOfTheCache(b *testing.B) {
	var reply bytes.Buffer
	reply.WriteString(`{"drover":"reply","id":20,"data":[`)
	ops := make([]*cacheOp, 64)
	read := 0
	for i := range ops {
		if i > 0 {
			reply.WriteByte(',')
		}
		reply.WriteString(`[{"name":"Ada","email":"ada@example.org","teams":["one","two"],"text":"a line \"quoted\""},60000]`)
		ops[i] = &cacheOp{done: func(result json.RawMessage, err error) {
			if h, wrong := readHit(result); err == nil && wrong == nil && h.ok {
				read++
			}
		}}
	}
	reply.WriteString(`]}`)
	b.ReportAllocs()
	for b.Loop() {
		f, _ := parseFrame(reply.Bytes())
		answerOps(ops, &f, nil)
	}
	if read != 64*b.N {
		b.Errorf("%d hits were read", read)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*64), "ns/hit")
}
