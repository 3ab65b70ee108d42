package cache_test

import (
	"fmt"
	"time"

	"github.com/drover-proxy/drover/cache"
)

func ExampleStore() {
	store, err := cache.New(cache.Options{MaxBytes: 64 << 20, MaxEntryBytes: 1 << 20})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()

	err = store.Set("users", "7", []byte(`{"name":"Ada"}`), cache.EntryOptions{TTL: time.Minute, Tags: []string{"team:1"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	value, ok := store.Get("users", "7")
	fmt.Println(string(value.JSON), ok)

	fmt.Println(store.InvalidateTag("users", "team:1"), "gone")
	_, ok = store.Get("users", "7")
	fmt.Println(ok)
	// Output:
	// {"name":"Ada"} true
	// 1 gone
	// false
}

// screen shows what workers are told.
type screen struct{}

func (screen) Push(worker string, frame []byte) bool {
	fmt.Printf("%s is told %s\n", worker, frame)
	return true
}

func ExampleService() {
	store, err := cache.New(cache.Options{MaxBytes: 64 << 20, MaxEntryBytes: 1 << 20})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	service := cache.NewService(store, screen{})
	reply := func(result []byte) { fmt.Println(string(result)) }

	service.Serve("app-1.1", []byte(`[["near","users",true],["lease","users","7"]]`), reply)
	service.Serve("app-1.1", []byte(`[["set","users","7",{"name":"Ada"},{"lease":"1"}]]`), reply)
	service.Serve("app-2.1", []byte(`[["get","users","7"],["get","users","8"]]`), reply)
	// Output:
	// [true,{"lease":"1"}]
	// app-1.1 is told {"drover":"drop","namespace":"users","keys":["7"]}
	// [true]
	// [[{"name":"Ada"}],null]
}
