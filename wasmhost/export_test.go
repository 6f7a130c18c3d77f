package wasmhost

// Limits that tests of the public surface reach.
const (
	MaxState       = maxState
	FailuresInARow = failuresInARow
)
