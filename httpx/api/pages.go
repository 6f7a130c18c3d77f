package api

import (
	"net/http"

	"github.com/troupebase/troupe/httpx"
)

// pagePolicy is what the server's own pages may load: their own files only.
const pagePolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"

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
