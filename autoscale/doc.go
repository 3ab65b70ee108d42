// Package autoscale decides how many workers a pool should have, from what its
// workers have to do.
//
// Decide is a pure function of the policy, what it remembered from the time
// before, the signals and the time; Autoscaler asks it four times a second and
// has a Scaler carry out what it says. The package does not measure (pool and
// monitor do), does not start or stop anything (supervisor) and does not choose
// which worker goes.
//
//	a := autoscale.New(autoscale.Options{Pool: "app", Scaler: sup, Signals: signals, Observer: metrics}, autoscale.NewPolicy(cfg))
//	go a.Run(ctx)
//	a.Last().Desired
package autoscale
