package event

import (
	"fmt"
	"sync"
	"testing"
)

func TestBus_RemembersTheNewest(t *testing.T) {
	b := NewBus(3)
	f := func(published int, want ...string) {
		t.Helper()
		b.Publish(Event{Kind: Started, Subject: fmt.Sprint(published)})
		var got []string
		for _, e := range b.Recent() {
			got = append(got, e.Subject)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("after event %d: remembered %v, want %v", published, got, want)
		}
	}
	f(1, "1")
	f(2, "1", "2")
	f(3, "1", "2", "3")
	f(4, "2", "3", "4")
	f(5, "3", "4", "5")
	f(6, "4", "5", "6")
	f(7, "5", "6", "7")
}

func TestBus_SlowSubscriberDelaysNobody(t *testing.T) {
	b := NewBus(1)
	slow, endSlow := b.Subscribe(1)
	quick, endQuick := b.Subscribe(3)
	for i := range 3 {
		b.Publish(Event{Kind: Started, Subject: fmt.Sprint(i)})
	}
	if got := b.Dropped(); got != 2 {
		t.Errorf("dropped %d deliveries, want the 2 that the slow one missed", got)
	}
	if e := <-slow; e.Subject != "0" {
		t.Errorf("the slow one read %q, want the first", e.Subject)
	}
	for i := range 3 {
		if e := <-quick; e.Subject != fmt.Sprint(i) {
			t.Errorf("the quick one read %q, want %d", e.Subject, i)
		}
	}
	endSlow()
	endSlow() // a second time does nothing
	endQuick()
	if _, open := <-slow; open {
		t.Error("the channel stays open after its subscription ended")
	}
	b.Publish(Event{Kind: Started})
}

func TestBus_StampsTheTime(t *testing.T) {
	b := NewBus(1)
	b.Publish(Event{Kind: Started})
	if e := b.Recent()[0]; e.Time.IsZero() || e.Time.Location().String() != "UTC" {
		t.Errorf("time is %v, want now in UTC", e.Time)
	}
}

func TestBus_NilTakesEvents(t *testing.T) {
	var b *Bus
	b.Publish(Event{Kind: Started})
}

func TestBus_IsSafeForConcurrentUse(t *testing.T) {
	b := NewBus(10)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			events, end := b.Subscribe(4)
			defer end()
			for range 100 {
				b.Publish(Event{Kind: Started})
				select {
				case <-events:
				default:
				}
				b.Recent()
			}
		})
	}
	all.Wait()
}
