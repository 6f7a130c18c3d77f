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

// dashboard is the address of the server's own pages.
const dashboard = "/_/"

// noFiles stands for the public directory where there is none: whoever opens the server's address finds its pages.
func noFiles(c *httpx.Context) error {
	if c.Path() == "/" {
		return c.Redirect(http.StatusTemporaryRedirect, dashboard)
	}
	return noFile(c)
}

func noFile(*httpx.Context) error { return httpx.NewError(http.StatusNotFound, "File not found.") }

// documentation is where people read what the API takes and gives.
const documentation = "https://github.com/troupebase/troupe#readme"

// aboutRoutes answer those who open the API's address by hand. Without its slash the address leads nowhere, as it always did.
func aboutRoutes(version string) []*httpx.Route {
	return []*httpx.Route{
		{Method: "GET", Path: "/api/", Handler: about(version)},
		{Method: "GET", Path: "/api", Handler: noFile},
	}
}

func about(version string) httpx.Handler {
	answer := struct {
		Name          string `json:"name"`
		Version       string `json:"version"`
		Documentation string `json:"documentation"`
	}{"Troupe", version, documentation}
	return func(c *httpx.Context) error { return c.SendJSON(http.StatusOK, answer) }
}

func page(contentType string, content []byte) httpx.Handler {
	return func(c *httpx.Context) error {
		c.SetHeader("Content-Security-Policy", pagePolicy)
		c.SendRaw(http.StatusOK, contentType, append(c.Buffer(), content...))
		return nil
	}
}
