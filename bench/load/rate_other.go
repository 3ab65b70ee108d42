//go:build !linux

package main

import "errors"

func runRate(options) (report, error) { return report{}, errors.New("-rate needs Linux") }
