// Package filewatch tells when files that match patterns have changed. It knows
// nothing of what is done about it.
//
//	w := filewatch.New(func(path string) { … })
//	go w.Run(ctx)
//	err := w.Set(dir, []string{"src/**/*.js"})
package filewatch
