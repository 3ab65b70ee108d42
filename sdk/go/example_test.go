package drover_test

import (
	"context"
	"fmt"
	"time"

	drover "github.com/drover-proxy/drover/sdk/go"
)

type user struct{ Name string }

// Without drover a program is a cluster of one. Under drover the same lines
// reach the other workers.
func Example() {
	client := drover.Local(func(c *drover.Client) { // under drover: drover.Connect(ctx, func…)
		drover.Handle(c, "user.greet", func(_ context.Context, u user) (string, error) {
			return "hello " + u.Name, nil
		})
		drover.On(c, "user.changed", func(_ context.Context, from string, u user) error {
			fmt.Println(from, "changed", u.Name)
			return nil
		})
	})
	defer client.Close()
	ctx := context.Background()
	if err := client.Ready(); err != nil {
		panic(err)
	}

	me := client.Worker().ID
	greeting, err := drover.Request[string](ctx, client, drover.Target{Worker: me}, "user.greet", user{"Ada"})
	fmt.Println(greeting, err)
	_, err = client.SendTo(ctx, me, "user.changed", user{"Ada"})
	fmt.Println(err)
	result, err := client.Broadcast(ctx, "user.changed", user{"Ada"})
	fmt.Println(result.Received, err)
	_, err = client.SendTo(ctx, "app-2", "user.changed", user{"Ada"})
	fmt.Println(err)
	// Output:
	// hello Ada <nil>
	// app-1.1 changed Ada
	// <nil>
	// 0 <nil>
	// send user.changed: no-target: there is no worker app-2: this program runs without drover
}

func ExampleGetOrSet() {
	client := drover.Local()
	defer client.Close()
	ctx, users := context.Background(), client.Cache().Namespace("users")
	load := func(context.Context) (user, error) {
		fmt.Println("loading") // by one worker of all
		return user{"Ada"}, nil
	}
	for range 2 {
		u, err := drover.GetOrSet(ctx, users, "7", load, drover.TTL(time.Minute), drover.Tags("team:1"))
		fmt.Println(u.Name, err)
	}
	n, err := users.InvalidateTag(ctx, "team:1")
	fmt.Println(n, err)
	_, found, err := drover.Get[user](ctx, users, "7")
	fmt.Println(found, err)
	// Output:
	// loading
	// Ada <nil>
	// Ada <nil>
	// 1 <nil>
	// false <nil>
}
