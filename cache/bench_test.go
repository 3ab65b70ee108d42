package cache

import (
	"fmt"
	"strings"
	"testing"
)

// nowhere takes every frame.
type nowhere struct{}

func (nowhere) Push(string, []byte) bool { return true }

// frameOf returns a frame of n operations.
func frameOf(n int, operation func(i int) string) []byte {
	ops := make([]string, n)
	for i := range ops {
		ops[i] = operation(i)
	}
	return []byte("[" + strings.Join(ops, ",") + "]")
}

func benchmarkFrames(b *testing.B, n int, operation func(i int) string) {
	store := newTestStore(b, Options{MaxBytes: 64 << 20, MaxEntryBytes: 1 << 20})
	service := NewService(store, nowhere{})
	value := `{"name":"Ada","team":1,"roles":["admin","author"],"mail":"ada@example.org","since":"2026-01-02T15:04:05Z"}`
	for i := range 10_000 {
		if err := store.Set("users", fmt.Sprintf("user:%d", i), []byte(value), EntryOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	frame := frameOf(n, operation)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		service.Serve("app-1.1", frame, func([]byte) {})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/operation")
}

func BenchmarkService_Get64(b *testing.B) {
	benchmarkFrames(b, 64, func(i int) string { return fmt.Sprintf(`["get","users","user:%d"]`, i*151) })
}

func BenchmarkService_Get1(b *testing.B) {
	benchmarkFrames(b, 1, func(i int) string { return `["get","users","user:77"]` })
}

func BenchmarkService_Set64(b *testing.B) {
	benchmarkFrames(b, 64, func(i int) string {
		return fmt.Sprintf(`["set","users","user:%d",{"name":"Ada","team":1,"roles":["admin","author"],"mail":"ada@example.org","since":"2026-01-02T15:04:05Z"}]`, i*151)
	})
}

func BenchmarkService_SetTagged64(b *testing.B) {
	benchmarkFrames(b, 64, func(i int) string {
		return fmt.Sprintf(`["set","users","user:%d",{"name":"Ada","team":1,"roles":["admin","author"],"mail":"ada@example.org","since":"2026-01-02T15:04:05Z"},{"ttlMs":60000,"tags":["team:%d"]}]`, i*151, i%8)
	})
}
