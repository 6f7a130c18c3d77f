package writes

import "context"

// Depth is how many hooked writes the chain of calls that ctx belongs to is inside of.
func Depth(ctx context.Context) int { return scopeOf(ctx).depth }

// Resume returns a context of a new chain that goes on where another one had come to: on behalf of a request, nil for the server itself, and inside of that
// many hooked writes, so that what calls itself for ever ends no later for it.
func Resume(ctx context.Context, info *RequestInfo, depth int) context.Context {
	return scope{request: info, depth: depth}.in(ctx)
}
