package ipc

import (
	"bufio"
	"net"
	"os"
	"testing"
	"time"
)

// connect shows a key over the socket path and returns what plays the worker then.
func (s *site) connect(w *stand, key string) *stand {
	s.t.Helper()
	path, _ := w.e.Link()
	c, err := net.Dial("unix", path)
	if err != nil {
		s.t.Fatal(err)
	}
	f, err := c.(*net.UnixConn).File()
	if err != nil {
		s.t.Fatal(err)
	}
	_ = c.Close() // f is another descriptor of it
	s.t.Cleanup(func() { _ = f.Close() })
	l := &stand{t: s.t, id: w.id, e: w.e, end: f, in: bufio.NewReader(f)}
	l.say(`{"drover":"hello","id":1,"version":1,"client":"test/1","acks":true,"key":"%s"}`, key)
	return l
}

func TestLinks_CarryTheChannelBehindAWrapper(t *testing.T) {
	s := newSite(t, Options{})
	a, wrapper := s.worker("app-1.1", true), s.worker("app-2.1", false)
	_, key := wrapper.e.Link()
	b := s.connect(wrapper, key)
	b.expectBegin(`{"drover":"reply","id":1,"data":{"version":1,"worker":"app-2.1","pool":"app","slot":2,"generation":1,`)
	a.say(`{"drover":"send","id":5,"worker":"app-2","type":"t"}`)
	b.expectBegin(`{"drover":"message","seq":1,`)
	b.say(`{"drover":"ack","seq":1}`)
	a.expect(`{"drover":"reply","id":5,"data":{"worker":"app-2.1","acknowledged":true}}`)
	a.say(`{"drover":"send","id":6,"worker":"app-2","type":"t"}`)
	b.expectBegin(`{"drover":"message","seq":2,`)
	b.die() // the application; its wrapper lives
	a.expect(`{"drover":"reply","id":6,"error":{"code":"worker-gone","message":"worker app-2.1 ended"}}`)
}

func TestLinks_AKeyWorksOnce(t *testing.T) {
	s := newSite(t, Options{})
	w := s.worker("app-1.1", false)
	_, key := w.e.Link()
	for _, wrong := range []string{"", "x", key[1:], key + "A"} {
		s.connect(w, wrong).expectBegin(`{"drover":"reply","id":1,"error":{"code":"key"`)
	}
	s.connect(w, key).expectBegin(`{"drover":"reply","id":1,"data"`)
	s.connect(w, key).expectBegin(`{"drover":"reply","id":1,"error":{"code":"key"`)
	w.say(`{"drover":"hello","id":1,"version":1,"key":"%s"}`, key)
	waitFor(t, "the frame over the inherited channel", func() bool { return w.e.Counts().Frames == 1 })
}

func TestLinks_StrangersAreTurnedAway(t *testing.T) {
	s := newSite(t, Options{})
	path := s.hub.links.path
	for range 3 * maxStrangers { // silent ones
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	if err := s.hub.Close(); err != nil { // does not wait for them
		t.Error(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the socket is still there")
	}
}

func TestLinks_TheFirstFrameIsHello(t *testing.T) {
	s := newSite(t, Options{})
	for _, first := range []string{"{\"drover\":\"ready\",\"id\":4}\n", "not json\n", string(make([]byte, 2*maxHello)) + "\n"} {
		c, err := net.Dial("unix", s.hub.links.path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte(first)); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(patience))
		for { // until it is closed
			if _, err := c.Read(make([]byte, 100)); err != nil {
				if os.IsTimeout(err) {
					t.Errorf("%.20q: still open", first)
				}
				break
			}
		}
		_ = c.Close()
	}
}

func TestLinks_BringBackAWorkerWhoseWrapperClosedTheChannel(t *testing.T) {
	s := newSite(t, Options{})
	a, wrapper := s.worker("app-1.1", true), s.worker("app-2.1", false)
	wrapper.die()
	waitFor(t, "the end of the channel", func() bool { return s.hub.present.Load().find("app-2.1") == nil })
	wrapper.e.Shutdown(time.Second) // finds the channel broken
	_, key := wrapper.e.Link()
	b := s.connect(wrapper, key)
	b.expectBegin(`{"drover":"reply","id":1,"data":{"version":1,"worker":"app-2.1"`)
	a.say(`{"drover":"request","id":5,"worker":"app-2","type":"t"}`)
	b.expectBegin(`{"drover":"request","id":1,`)
	b.say(`{"drover":"response","id":1,"data":1}`)
	a.expect(`{"drover":"reply","id":5,"from":"app-2.1","data":1}`)
}
