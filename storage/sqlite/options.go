package sqlite

import (
	"log/slog"
	"time"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/budget"
)

// SyncMode says how far an answered write has gone.
type SyncMode int

const (
	// Full syncs the write-ahead log at each commit: an answered write survives a loss of power. The default.
	Full SyncMode = iota
	// Normal syncs at checkpoints only: an answered write survives a crash of the process.
	Normal
)

// String returns the word that the command line uses for the mode.
func (m SyncMode) String() string {
	if m == Normal {
		return "normal"
	}
	return "full"
}

// Options describe how to open a file. Only Path is needed.
type Options struct {
	// Path is the database file; it is created when missing, its directory is not.
	Path string
	// Sync is the durability of an answered write.
	Sync SyncMode
	// Logger gets what nobody can be answered with, such as a panic in a callback. Nil means slog.Default().
	Logger *slog.Logger
	// ReadLimit ends a read that takes longer; zero means 30 seconds.
	ReadLimit time.Duration
	// Connect is called for each new connection, for example to add SQL functions. It may run on any goroutine.
	Connect func(*zsqlite.Conn) error

	// Committed is called on the Writer's goroutine after COMMIT returned and the versions were published, before any unit of the
	// group is answered. Groups come in commit order; groups without changes are left out. It may block, which holds
	// up all writes (back-pressure), but must not submit work.
	Committed func(Group)
	// Committing is called on the Writer's goroutine inside the open transaction, just before COMMIT, with the same group that
	// Committed gets if the commit succeeds. It may call [DB.Pin]. It must not submit work.
	Committing func(Group)
	// Foreign is called on the Writer's goroutine, outside a transaction, when another process changed the file. All versions have been
	// raised by then; when it returns, reads that were under way are run again. It may read but must not submit work.
	Foreign func()
	openLog func(path string) (logFile, error) // the file system's, except in tests
	// Rows bounds the bytes of rows that are collected before they are answered, those of [Reader.Console]; nil has no limits.
	Rows *budget.Share
}

// Group is what one commit changed.
type Group struct {
	// Seq is the number of the first change; the change at index i has number Seq+i.
	Seq uint64
	// Changes are the values that the units gave to [Tx.Emit], in the order in which the units ran. They belong to the receiver.
	Changes []any
}

// Limits of this package. Everything that waits is bounded.
const (
	maxGroupUnits  = 256     // units in a group: the last answer waits for the whole group, about 4 ms of work
	maxGroupBytes  = 4 << 20 // bytes in a group: keeps the log's growth per sync small
	maxSharedUnits = 64      // units of user code in a group: a commit costs each a part of that, and the first one's answer waits for all
	maxQueued      = 16384   // units that wait: about a quarter of a second of work, callers are refused beyond
	maxPinned      = 16      // connections for pinned snapshots

	minLong              = 8    // long reads that are under way, with a Reader each; as many as there are cores if those are more
	maxApart             = 22   // Readers of long reads of the server itself, and of those that do something else
	maxWaiting           = 4096 // reads that wait for a connection
	maxWaitingClient     = 2048 // of one client: an office behind one address, but half of it stays for others
	maxLongWaiting       = 512  // long reads that wait: more than can be answered before they are too late
	maxLongWaitingClient = 64   // of one client: at 8 a second, which is slow, the last one's time limit is over

	tickSteps     = 1000 // steps of SQLite between two looks at a read: 10 to 100 µs; a look costs 0.05 µs
	slowTicks     = 4    // fewer are no sign of much work, but of a machine that was busy elsewhere
	prepareTicks  = 64   // statements after which a read is looked at that makes many small ones
	maxStatements = 256  // prepared statements kept by a connection: what a program asks for, and to find the oldest is no work

	statementBytes    = 512       // what a statement takes beside what SQLite says and its text
	maxStatementBytes = 4 << 20   // of a connection: 256 of usual size (5 to 15 KB); one that takes a quarter is not kept
	maxAllStatements  = 16 << 20  // of all Readers together: more is only there in a rush
	minStatementBytes = 256 << 10 // which a Reader keeps even then: the twenty that it uses most

	sharedTime       = 10 * time.Millisecond  // after which no unit of user code joins a group: about ten commits, for which others wait
	longRead         = time.Millisecond       // a read that works longer is not a short one any more: others wait behind it
	timeSlice        = 5 * time.Millisecond   // how long a long read runs before it is another one's turn
	calm             = 20 * time.Millisecond  // without a short read for so long, long ones take all cores
	stuckRead        = 5 * time.Millisecond   // a short read that was not seen for so long does something else than to read
	stuckLong        = 20 * time.Millisecond  // a long one's turn is over even if it is inside one step
	watchInterval    = 5 * time.Millisecond   // how often running reads are looked at
	watchLinger      = 200 * time.Millisecond // how long the watchdog keeps ticking after the last read
	lookInterval     = 250 * time.Millisecond // how often an idle Writer looks for foreign writes
	sweepInterval    = 50 * time.Millisecond  // how often queued units are checked against their deadlines
	busyTimeout      = 10 * time.Second       // how long to wait for another process's lock
	defaultReadLimit = 30 * time.Second
	closeGrace       = 3 * time.Second // how long Close lets reads run before it interrupts them
	closeWait        = 5 * time.Second // and how long it waits for them afterwards
	maxForeignLooks  = 3               // how often a group starts over because another process keeps writing

	writerCacheKB = 32000
	readerCacheKB = 32000 // of one connection; all together have pageBudget
	pagePart      = 16    // the part of the memory at hand that pages may take
	maxPages      = 56 << 20
	minPages      = 8 << 20
	idlePages     = 5 * time.Second // after which Readers that nobody uses give up their pages
)
