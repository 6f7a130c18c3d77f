package api

import (
	"errors"
	"net/http"
	"path"
	"slices"
	"strconv"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/storage/files"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// inlineTypes are the stored types that a browser may show; everything else is offered for saving, so that no uploaded
// page runs under this origin (files.md 4).
var inlineTypes = []string{
	"image/png", "image/jpg", "image/jpeg", "image/gif", "image/webp", "image/x-icon", "image/bmp",
	"video/webm", "video/mp4", "video/3gpp", "video/quicktime", "video/x-ms-wmv",
	"audio/basic", "audio/aiff", "audio/mpeg", "audio/midi", "audio/mp3", "audio/wave", "audio/wav", "audio/x-wav", "audio/x-mpeg", "audio/x-m4a", "audio/aac",
	"application/pdf", "application/x-pdf",
}

// servedTypes are sent by extension, whatever type was stored: sniffing does not tell them apart.
var servedTypes = map[string]string{
	".svg": "image/svg+xml", ".css": "text/css", ".js": "text/javascript", ".mjs": "text/javascript",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}

// downloadFile sends a file of a record. Rules count only for protected fields.
func (a *API) downloadFile(c *httpx.Context) error {
	col := a.app.Catalogue().Find(c.Param("collection"))
	if col == nil {
		return httpx.NewError(http.StatusNotFound, "Missing or invalid collection context.")
	}
	r, err := a.app.Store().Load(c.Context(), col.ID, c.Param("id"))
	if err != nil {
		return err
	}
	name := c.Param("name")
	field := fileField(r, name)
	if field == nil {
		return records.ErrNotFound
	}
	if field.Protected {
		if err := a.mayDownload(c, r); err != nil {
			return err
		}
	}
	f, err := a.app.Files().Open(col.ID + "/" + r.ID() + "/" + name)
	c.Raw().Response.Header.Del("X-Frame-Options")
	if errors.Is(err, files.ErrNotFound) {
		return httpx.NewError(http.StatusNotFound, "").Because(err)
	}
	if err != nil {
		return err
	}
	return sendStored(c, f, name)
}

// fileField returns the file field of r that holds a name.
func fileField(r *records.Record, name string) *schema.FileField {
	for i, f := range r.Collection.Fields {
		field, ok := f.(*schema.FileField)
		if !ok || name == "" {
			continue
		}
		switch v := r.Values[i].(type) {
		case string:
			if v == name {
				return field
			}
		case []string:
			if slices.Contains(v, name) {
				return field
			}
		}
	}
	return nil
}

// mayDownload asks the view rule on behalf of the file token's record. The Authorization header plays no part.
func (a *API) mayDownload(c *httpx.Context, r *records.Record) error {
	who := caller(c, "protectedFile")
	who.Request.Auth, who.Superuser = nil, false
	if token := c.Query("token"); token != "" {
		session, err := a.verifier.Verify(c.Context(), token, auth.FileToken)
		if err != nil && !errors.Is(err, auth.ErrToken) {
			return err
		}
		if session != nil && (!session.Identity.Superuser || c.SuperuserAllowed()) {
			who.Request.Auth, who.Superuser = session.Identity, session.Identity.Superuser
		}
	}
	_, err := a.app.Store().View(c.Context(), nil, &records.ViewInput{CollectionID: r.Collection.ID, ID: r.ID(), Caller: who})
	if errors.Is(err, records.ErrForbidden) {
		return records.ErrNotFound
	}
	return err
}

func sendStored(c *httpx.Context, f *files.File, name string) error {
	disposition := "attachment"
	if download, _ := strconv.ParseBool(c.Query("download")); !download && slices.Contains(inlineTypes, f.ContentType) {
		disposition = "inline"
	}
	served := f.ContentType
	if t, ok := servedTypes[path.Ext(name)]; ok {
		served = t
	}
	c.SetHeader("Content-Disposition", disposition+"; filename="+name)
	c.SetHeader("Content-Security-Policy", "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; sandbox")
	c.SetHeader("Cache-Control", "max-age=2592000, stale-while-revalidate=86400")
	return c.SendFile(f, served, f.Size, f.Modified)
}
