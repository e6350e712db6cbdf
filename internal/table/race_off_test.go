//go:build !race

package table

const slow = false
