package httpx

import "net/http"

const (
	needsAuth = "The request requires valid record authorization token."
	wrongAuth = "The authorized record is not allowed to perform this action."
)

// RequireAuth lets every record that is signed in through.
func RequireAuth(c *Context) error {
	if c.Auth == nil {
		return NewError(http.StatusUnauthorized, needsAuth)
	}
	return nil
}

// RequireSuperuser lets superusers through.
func RequireSuperuser(c *Context) error {
	if c.Auth == nil {
		return NewError(http.StatusUnauthorized, needsAuth)
	}
	if !c.Auth.Superuser {
		return NewError(http.StatusForbidden, wrongAuth)
	}
	return nil
}

// RequireSameCollection lets records of the collection that the route's path names (see [Route.Collection]) through,
// superusers of another collection not.
func RequireSameCollection(c *Context) error { return c.sameCollection(c.match.route.Collection) }

// sameCollection is RequireSameCollection by a path parameter.
func (c *Context) sameCollection(param string) error {
	if c.Auth == nil {
		return NewError(http.StatusUnauthorized, needsAuth)
	}
	if c.server.opts.Collection != nil && param != "" {
		id, _, ok := c.server.opts.Collection(c.Param(param))
		if ok && id == c.Auth.CollectionID {
			return nil
		}
	}
	return NewError(http.StatusForbidden, "The request requires auth record from "+c.Auth.CollectionName+" collection.")
}

// RequireSuperuserOrOwner returns a guard that lets superusers and the record whose id is the path parameter param
// through.
func RequireSuperuserOrOwner(param string) Guard {
	return func(c *Context) error {
		if c.Auth == nil {
			return NewError(http.StatusUnauthorized, "The request requires superuser or record authorization token.")
		}
		if c.Auth.Superuser || c.Auth.ID == c.Param(param) {
			return nil
		}
		return NewError(http.StatusForbidden, "")
	}
}

// RequireGuest lets those through who are not signed in.
func RequireGuest(c *Context) error {
	if c.Auth != nil {
		return NewError(http.StatusBadRequest, "The request can be accessed only by guests.")
	}
	return nil
}
