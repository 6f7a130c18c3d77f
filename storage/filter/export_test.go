package filter

// ParseNamed is what tests of the public surface need of the inside.
var ParseNamed = parseNamed
