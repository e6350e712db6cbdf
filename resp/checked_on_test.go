//go:build race || invariants

package resp

// checkedBuild says that checks of the build allocate.
const checkedBuild = true
