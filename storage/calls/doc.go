// Package calls keeps what extensions are still to be told of in the data file: calls of hooks after a commit that could not be made, or did
// not come to their end. Start at [Call]; who makes the calls again is package guests.
//
// # Guarantees
//
// What [Insert] wrote is there after a crash, until [Remove] takes it away. Numbers are in the order of the commits, so calls for one record can
// be made in order. A table that somebody has dropped is made again; what was in it is gone. A row that cannot be read is an error of that
// row, see [Headers].
package calls
