package filter

// ParseNamed is what tests of the public surface need of the inside.
var ParseNamed = parseNamed

// MaxComparisons is a bound that tests fill up.
const MaxComparisons = maxComparisons
