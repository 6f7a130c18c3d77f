package httpx

import (
	"bytes"
	"net/http"
	"slices"

	"github.com/valyala/fasthttp"
)

// Ids of the middlewares that routes and groups can choose. All but [BodyLimit] have the priority 0.
const (
	GzipID                 = "pbGzip"
	SkipSuccessLogID       = "pbSkipSuccessActivityLog"
	GuestOnlyID            = "pbRequireGuestOnly"
	AuthOnlyID             = "pbRequireAuth"
	SuperuserOnlyID        = "pbRequireSuperuserAuth"
	SuperuserOrOwnerOnlyID = "pbRequireSuperuserOrOwnerAuth"
	SameCollectionOnlyID   = "pbRequireSameCollectionContextAuth"
)

// GuestOnly is [RequireGuest] as a middleware.
func GuestOnly() Middleware { return Middleware{ID: GuestOnlyID, Func: RequireGuest, checks: true} }

// AuthOnly is [RequireAuth] as a middleware; with collections, names or ids, only their records pass.
func AuthOnly(collections ...string) Middleware {
	collections = slices.Clone(collections)
	return Middleware{ID: AuthOnlyID, checks: true, Func: func(c *Context) error {
		if err := RequireAuth(c); err != nil {
			return err
		}
		if len(collections) > 0 && !slices.Contains(collections, c.Auth.CollectionName) && !slices.Contains(collections, c.Auth.CollectionID) {
			return NewError(http.StatusForbidden, wrongAuth)
		}
		return nil
	}}
}

// SuperuserOnly is [RequireSuperuser] as a middleware.
func SuperuserOnly() Middleware {
	return Middleware{ID: SuperuserOnlyID, Func: RequireSuperuser, checks: true}
}

// SuperuserOrOwnerOnly is [RequireSuperuserOrOwner] as a middleware; an empty param is "id".
func SuperuserOrOwnerOnly(param string) Middleware {
	if param == "" {
		param = "id"
	}
	return Middleware{ID: SuperuserOrOwnerOnlyID, Func: RequireSuperuserOrOwner(param), checks: true}
}

// SameCollectionOnly is [RequireSameCollection] as a middleware, by the path parameter param; an empty one is
// "collection".
func SameCollectionOnly(param string) Middleware {
	if param == "" {
		param = "collection"
	}
	return Middleware{ID: SameCollectionOnlyID, checks: true, Func: func(c *Context) error { return c.sameCollection(param) }}
}

// BodyLimit takes the place of the server's own limit: bodies may have up to that many bytes, 0 is no limit.
func BodyLimit(bytes int64) Middleware {
	if bytes <= 0 {
		bytes = -1
	}
	return Middleware{ID: BodyLimitID, Priority: BodyLimitPriority, checks: true, Func: func(c *Context) error {
		c.limit = bytes
		return c.checkLength()
	}}
}

// SkipSuccessLog keeps successes out of the request log.
func SkipSuccessLog() Middleware {
	return Middleware{ID: SkipSuccessLogID, checks: true, Func: func(c *Context) error {
		c.quiet = true
		return nil
	}}
}

// Gzip compresses the answer for clients that read gzip, if it is worth it: text of 200 bytes and more that is neither
// encoded already nor a part of a file nor an event stream. It does so after all middlewares, so none sees the result.
func Gzip() Middleware {
	return Middleware{ID: GzipID, checks: true, Func: func(c *Context) error {
		c.gzip = true
		return nil
	}}
}

// compress is the work of [Gzip].
func (c *Context) compress() {
	h := &c.ctx.Response.Header
	if c.ctx.Hijacked() || len(h.Peek("Content-Range")) > 0 || bytes.HasPrefix(h.ContentType(), []byte("text/event-stream")) ||
		!c.ctx.Request.Header.HasAcceptEncoding("gzip") {
		return
	}
	compressBody(c.ctx)
}

// compressBody lets fasthttp compress what is there.
var compressBody = fasthttp.CompressHandler(func(*fasthttp.RequestCtx) {})
