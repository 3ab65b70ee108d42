package drover

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestMetrics_AreHandedInOnceASecondWhenChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newPiped(t)
		c := f.Metrics().Counter("c_total", "", "a", "b")
		start := time.Now()
		c.Inc("1", "x")
		c.Inc("1", "x")
		c.Add(0.5, "0", "y")
		f.expect(`{"drover":"metrics","metrics":[{"name":"c_total","type":"counter","samples":[{"labels":{"a":"0","b":"y"},"value":0.5},{"labels":{"a":"1","b":"x"},"value":2}]}]}`)
		if took := time.Since(start); took != time.Second {
			t.Errorf("handed in after %v", took)
		}
		time.Sleep(time.Hour) // nothing changes: nothing is sent, or the next line is not the one below
		g := f.Metrics().Gauge("g", "")
		g.Set(5)
		g.Add(-7)
		g.Set(math.NaN())
		g.Add(math.Inf(1))
		f.expect(`{"drover":"metrics","metrics":[{"name":"c_total","type":"counter","samples":[{"labels":{"a":"0","b":"y"},"value":0.5},{"labels":{"a":"1","b":"x"},"value":2}]},{"name":"g","type":"gauge","samples":[{"labels":{},"value":-2}]}]}`)
		f.hangUp()
	})
}

func TestMetrics_MisusePanics(t *testing.T) {
	f := newFake(t)
	m := f.Metrics()
	c := m.Counter("c_total", "", "a")
	if m.Counter("c_total", "", "a").f != c.f {
		t.Error("the same name is another counter")
	}
	for name, misuse := range map[string]func(){
		"another kind":      func() { m.Gauge("c_total", "") },
		"other labels":      func() { m.Counter("c_total", "") },
		"too few labels":    func() { c.Inc() },
		"a negative number": func() { c.Add(-1, "x") },
		"not a number":      func() { c.Add(math.NaN(), "x") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s does not panic", name)
				}
			}()
			misuse()
		}()
	}
}

func TestHealth_AHangingCheckFailsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newPiped(t)
		goOn := make(chan struct{})
		f.Health("hangs", func(context.Context) (any, error) {
			<-goOn
			return nil, nil
		})
		f.Health("odd", func(context.Context) (any, error) { return func() {}, nil })
		f.Health("both", func(context.Context) (any, error) { return 1, errors.New("bad") })
		start := time.Now()
		f.send(`{"drover":"ping","id":1}`)
		f.expect(`{"drover":"pong","id":1,"loopDelayMs":0,"checks":[{"name":"hangs","ok":false,"ms":1500,"message":"not done within 1.5s"},` +
			`{"name":"odd","ok":false,"ms":0,"message":"json: unsupported type: func()"},{"name":"both","ok":false,"ms":0,"message":"bad","details":1}]}`)
		if took := time.Since(start); took != checkTime {
			t.Errorf("answered after %v", took)
		}
		close(goOn)
		f.hangUp()
	})
}

func TestError_HasItsCode(t *testing.T) {
	err := error(&Error{"timeout", "no answer"})
	if !errors.Is(err, ErrTimeout) || errors.Is(err, ErrClosed) || err.Error() != "timeout: no answer" || ErrTimeout.Error() != "timeout" {
		t.Errorf("the error is %v", err)
	}
	if e := asError(errors.New("plain"), "handler-error"); e.Code != "handler-error" || !strings.Contains(e.Message, "plain") {
		t.Errorf("the error is %v", e)
	}
}
