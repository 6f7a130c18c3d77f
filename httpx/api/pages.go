package api

import (
	"net/http"

	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/ui"
)

// pagePolicy is what the server's own pages may load: their own files only.
const pagePolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"

// pageRoutes serve the page with which the first superuser is made.
func pageRoutes() []*httpx.Route {
	return []*httpx.Route{
		{Method: "GET", Path: "/_/", Handler: page("text/html; charset=utf-8", ui.Install), Quiet: true},
		{Method: "GET", Path: "/_/install.js", Handler: page("text/javascript; charset=utf-8", ui.InstallScript), Quiet: true},
	}
}

func page(contentType string, content []byte) httpx.Handler {
	return func(c *httpx.Context) error {
		c.SetHeader("Content-Security-Policy", pagePolicy)
		c.SendRaw(http.StatusOK, contentType, append(c.Buffer(), content...))
		return nil
	}
}
