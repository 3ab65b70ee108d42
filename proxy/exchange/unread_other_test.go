//go:build !linux

package exchange

const canTell = false
