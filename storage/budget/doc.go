// Package budget bounds, in bytes, what strangers make the process keep: bodies that are not finished, topics, filters,
// bytes that wait for a slow reader.
//
// A [Budget] is the sum, worked out once from the memory at hand. A [Share] is a named part of it for one purpose, with a
// smaller part that any single client may take. Whoever is about to keep bytes on behalf of a client takes them from the share
// first and gives them back when they are gone:
//
//	if err := topics.Take(client, size); err != nil {
//		return err // a *FullError: 413, 429 or 503, by the purpose
//	}
//	defer topics.Give(client, size)
//
// Shares do not lend to one another, so that a flood of one kind leaves room for all others.
package budget
