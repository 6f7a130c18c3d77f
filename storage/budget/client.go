package budget

import "context"

// clientKey is the key of a clientContext in its own values.
type clientKey struct{}

// clientContext is a context that says on whose behalf work is done.
type clientContext struct {
	context.Context
	client string
}

// Value implements context.Context.
func (c *clientContext) Value(key any) any {
	if key == (clientKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// WithClient returns a context for work that is done on behalf of a client: whoever divides something among clients finds it there.
func WithClient(ctx context.Context, client string) context.Context {
	return &clientContext{ctx, client}
}

// ClientOf returns the client of [WithClient]; "", which is the server itself, when there is none.
func ClientOf(ctx context.Context) string {
	if c, ok := ctx.(*clientContext); ok {
		return c.client
	}
	if c, ok := ctx.Value(clientKey{}).(*clientContext); ok {
		return c.client
	}
	return ""
}
