//go:build !linux

package main

// readAhead leaves it to the system when the pages of the program come into memory.
func readAhead() {}
