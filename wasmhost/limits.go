package wasmhost

import "time"

// Limits bound what one call of a guest may take. A field that is zero or negative means the default.
type Limits struct {
	// Hook and Route are the time of a call in which the guest itself runs.
	Hook, Route time.Duration
	// HookWait and RouteWait are the time of a call in host functions, and of waiting for an instance: nobody is to blame when it is used up, but
	// what is left for the host is BUSY then.
	HookWait, RouteWait time.Duration
	// MemoryPages is the memory of an instance, in pages of 64 KiB.
	MemoryPages uint32
	// TotalMemory is the memory of all instances together, in bytes. When it is used up, guests cannot grow, and calls that need another instance are
	// [ErrBusy].
	TotalMemory int64
	// HostCalls and Handles are counted per call.
	HostCalls, Handles int
	// Payload is how many bytes a guest hands over at once: a body, JSON, a route's answer.
	Payload int
}

func (l Limits) withDefaults() Limits {
	if l.Hook <= 0 {
		l.Hook = time.Second
	}
	if l.Route <= 0 {
		l.Route = 10 * time.Second
	}
	if l.HookWait <= 0 {
		l.HookWait = 10 * time.Second // as long as a write may wait
	}
	if l.RouteWait <= 0 {
		l.RouteWait = 30 * time.Second
	}
	if l.MemoryPages == 0 {
		l.MemoryPages = 1024
	}
	if l.TotalMemory <= 0 {
		l.TotalMemory = 512 << 20
	}
	if l.HostCalls <= 0 {
		l.HostCalls = 100_000
	}
	if l.Handles <= 0 {
		l.Handles = 1024
	}
	if l.Payload <= 0 {
		l.Payload = 8 << 20
	}
	return l
}

// Limits that the ABI fixes.
const (
	// MaxListRows is how many records a guest may ask for at once, and DefaultListRows how many it gets without asking.
	MaxListRows     = 500
	DefaultListRows = 30
	// MaxSQLRows is how many rows a statement may return.
	MaxSQLRows = 1000
	// MaxDepth is how deeply calls of guests may nest through the host. Each level is a native call on the same goroutine.
	MaxDepth = 8
	// MaxTransactions is how many transactions of a call may be open within one another.
	MaxTransactions = 8

	maxState       = 64 << 10 // bytes between before and after
	maxDescription = 64 << 10 // bytes of a description
	maxLine        = 8 << 10  // bytes of a log line
	maxFilter      = 8 << 10  // bytes of a filter or a sort: the host keeps what it made of the last few thousand
	maxHeld        = 64 << 20 // bytes of rows and records that the handles of a call keep
)

// Limits of this package. Everything that waits, grows or is kept is bounded.
const (
	maxFile        = 64 << 20 // bytes of a module: twenty times a Go guest
	maxFiles       = 1024     // modules in the directory: each is some kilobytes until it is called
	maxCode        = 96 << 20 // bytes of modules whose code stays in memory, which has some times that: what 50 Go guests have
	maxRaising     = 8        // extensions for which an event is raised at a time
	maxProposals   = 16       // sets that are proposed for one change
	spareLoaders   = 4        // modules that are described while others are compiled: as many may loop and hold nobody up
	maxInstances   = 64       // instances of a version that callers share; a write in a hook holds one until it is committed
	maxWaiting     = 4096     // callers that wait for an instance
	maxLongWaiting = 256      // long calls that wait for a processor, each with an instance
	keepIdle       = 4        // instances that stay when nobody needs them
	keepMemory     = 16 << 20 // bytes of memory with which an instance does not stay
	maxNames       = 512      // names of fields that an instance remembers
	maxName        = 1024     // bytes of a name
	maxScratch     = 64 << 10 // bytes of a buffer that an instance keeps
	maxLines       = 256      // lines that a call may log
	maxHeaders     = 64       // headers of an answer
	maxHeader      = 8 << 10  // bytes of a header
	maxFailures    = 256      // failures per field of a rejection
	maxMessage     = 8 << 10  // bytes of a message of a rejection, and of an errno
	maxTrace       = 2 << 10  // bytes of a trap's trace in the log
	graceCalls     = 1024     // host calls that answer LIMIT before the guest is stopped

	watchInterval  = 3 * time.Millisecond   // how often running calls are looked at
	watchLinger    = 200 * time.Millisecond // how long the watchdog keeps ticking after the last call
	sweepInterval  = time.Second            // how often idle instances and old versions are looked at
	idleLife       = 30 * time.Second       // how long an instance beyond keepIdle stays idle
	retireGrace    = 30 * time.Second       // how long an old version stays for those that hold it: longer than any request
	longAfter      = 20 * time.Millisecond  // own time after which a call is a long one: twice of what Go lets a goroutine run, and no hook that checks a record
	longSlice      = 20 * time.Millisecond  // how long a long call has its place while others wait for one
	startLimit     = 2 * time.Second        // time that a module may take to start and initialize itself; a Go guest needs 10 ms
	describeLimit  = 2 * time.Second        // time for the description; a Go guest needs 10 ms to start
	raiseAlone     = 50 * time.Millisecond  // how long the next extension waits with an event for the one before it
	raiseLimit     = 5 * time.Second        // time for an event like bootstrap, waiting for others included
	openLimit      = 2 * time.Minute        // how long a start waits for what has to be compiled
	gatherTime     = 250 * time.Millisecond // how long what is ready waits for what else was found
	retryFirst     = time.Second            // how long a module that failed is not tried again, doubled each time
	retryMost      = 5 * time.Minute
	remakeFirst    = time.Second // how long calls of a module fail at once when its code could not be made, doubled each time
	remakeMost     = time.Minute
	coarseTime     = 2 * time.Second        // what the time of a file may be off by
	debounce       = 100 * time.Millisecond // how long a directory must be quiet before it is read
	debounceLimit  = 2 * time.Second        // and how long that may put it off
	closeGrace     = 12 * time.Second       // how long Close lets calls run: longer than any call
	closeWait      = time.Second            // and how long it waits once it has stopped them
	failuresInARow = 5                      // failing calls that suspend
	suspendFirst   = time.Second
	suspendMost    = time.Minute
)
