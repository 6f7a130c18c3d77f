package rewrite

// What a module may have at most. Engines of browsers have the same limits (WebAssembly JavaScript Interface, "Implementation-defined
// limits"), so no toolchain makes more; without them a small file could make the compiler, which trusts such numbers, allocate gigabytes.
const (
	// maxFile bounds the file. A Go guest has 3 MB, a large one 30; a file made of nothing but loops grows to eight times its size.
	maxFile = 64 << 20
	// maxValues bounds parameters and results of one function.
	maxValues = 1000
	// maxLocals bounds the locals of one function, which two bytes can declare by the billion.
	maxLocals = 50_000
	// maxBody bounds the code of one function.
	maxBody = 7_654_321
	// maxFunctions bounds functions and types.
	maxFunctions = 1_000_000
	// maxTableSlots bounds all tables together, 8 bytes a slot. It is shared evenly, because tables can grow without a host that looks.
	maxTableSlots = 1 << 20
	// maxDepth keeps depth and fuel in one number of 32 bits, with room for a charge of maxCharge.
	maxDepth = 1<<14 - 2
	// maxInterval keeps the counter far from where subtracting the largest charge from it would overflow.
	maxInterval = 1 << 24
)
