package budget

// Percents of a budget, and of each share what one client may take of it. They add up to 100.
const (
	// Bodies are the largest: one body of the default limit of 32 MiB fits, and a second client's beside it.
	bodiesPercent, bodiesClient = 40, 75
	// Topics: 24 MiB are some 100,000 topics with their options; a client that follows thousands of records needs a few MiB.
	topicsPercent, topicsClient = 15, 25
	// Streams: an outbox of one stalled reader is some hundred KiB, and an office behind one address has dozens of readers.
	streamsPercent, streamsClient = 15, 50
	// Filters are kept for everybody; whoever asks for thousands of different ones pushes only a part of them out.
	filtersPercent, filtersClient = 10, 50
	// Rows: one answer of the console or a long list, and a second client's beside it.
	rowsPercent, rowsClient = 20, 50
)

// Shares are what a server cuts its budget into. The zero value has no limits.
type Shares struct {
	// Bodies is for heads and bodies of requests, until they are answered.
	Bodies *Share
	// Topics is for what clients listen to.
	Topics *Share
	// Streams is for messages that a slow reader of a stream has not taken yet.
	Streams *Share
	// Filters is for filters that are parsed and compiled, and what is remembered of their results.
	Filters *Share
	// Rows is for rows that are collected before they are answered.
	Rows *Share
}

// Shares cuts the whole budget up. It is called once: the shares of two calls would be twice the budget.
func (b *Budget) Shares() Shares {
	return Shares{
		Bodies:  b.Share("bodies", bodiesPercent, bodiesClient),
		Topics:  b.Share("topics", topicsPercent, topicsClient),
		Streams: b.Share("streams", streamsPercent, streamsClient),
		Filters: b.Share("filters", filtersPercent, filtersClient),
		Rows:    b.Share("rows", rowsPercent, rowsClient),
	}
}

// All returns the shares in a fixed order, for those who report their [Share.Usage].
func (s Shares) All() []*Share { return []*Share{s.Bodies, s.Topics, s.Streams, s.Filters, s.Rows} }
