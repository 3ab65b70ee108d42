// Package cli is the command line: one file per command, help with an example
// for each, tables for people and JSON for programs. Commands that operate a
// running drover speak to its admin API through Client.
//
// It does not wire the parts of drover together: `run` calls the function that
// Environment brings. Exit status: 0 done, 1 failed, 2 the command line or the
// settings are wrong, 3 refused or rolled back.
//
//	os.Exit(cli.Main(os.Args[1:], cli.Environment{
//		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv,
//		Version: version, Run: run,
//	}))
package cli
