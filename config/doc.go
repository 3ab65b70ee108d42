// Package config turns the settings file into typed, validated settings that
// nobody writes to after they were published.
//
// It owns the structs of the file (one file per section, each field with its
// comment, range, allowed values and what a reload does with it in the field's
// tag), the defaults, the strict decoder, the rules, the JSON Schema and the
// comparison that a reload acts on. It does not own what the settings mean to
// the packages that read them, and it starts and opens nothing.
//
//	cfg, err := config.Load("drover.yaml")
//	var faults config.Faults
//	switch {
//	case errors.As(err, &faults):
//		fmt.Fprintln(os.Stderr, faults) // FILE:LINE: key: what is wrong; what to do
//	case err != nil:
//		fmt.Fprintln(os.Stderr, err) // the file cannot be read
//	}
//	diff := config.Compare(running, cfg) // what a reload has to do
//
// To add a setting: a field with comment and tags, its default, a rule beyond
// its range if it has one, and its lines in config.example.yaml and
// docs/configuration.md; tests compare all of them.
package config
