package api

import (
	"errors"
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

// fileHandlers send the files of records.
type fileHandlers struct {
	store    *records.Store
	files    *files.Local
	verifier *auth.Verifier
}

// download sends a file of a record. Rules count only for protected fields.
func (h *fileHandlers) download(c *httpx.Context, col *schema.Collection, r read) error {
	name := c.Param("name")
	stored, err := h.store.StoredFile(r.ctx, col.ID, c.Param("id"), name)
	if err != nil {
		return err
	}
	cache := publicCache
	if stored.Protected {
		cache = privateCache
		if err := h.mayDownload(c, r, col.ID, c.Param("id")); err != nil {
			return err
		}
	}
	f, err := h.files.Open(stored.Key)
	c.Raw().Response.Header.Del("X-Frame-Options")
	if err != nil {
		return sendingFile.failed(err)
	}
	c.SetHeader("Cache-Control", cache)
	return sendStored(c, f, name)
}

// How long a file may be kept by caches: a stored file never changes. What was protected is for the caller's own cache only,
// not for a proxy's, which serves others.
const (
	publicCache  = "max-age=2592000, stale-while-revalidate=86400"
	privateCache = "private, " + publicCache
)

// mayDownload asks the view rule on behalf of the file token's record. The Authorization header plays no part.
func (h *fileHandlers) mayDownload(c *httpx.Context, r read, collectionID, id string) error {
	who := caller(c, "protectedFile")
	who.Request.Auth, who.Superuser, who.Credential = nil, false, nil
	if token := c.Query("token"); token != "" {
		session, err := h.verifier.Verify(c.Context(), token, auth.FileToken)
		if err != nil && !errors.Is(err, auth.ErrToken) {
			return err
		}
		if session != nil && (!session.Identity.Superuser || c.SuperuserAllowed()) {
			who.Request.Auth, who.Superuser, who.Credential = session.Identity, session.Identity.Superuser, session.Credential
		}
	}
	_, err := h.store.View(r.ctx, nil, &records.ViewInput{CollectionID: collectionID, ID: id, Caller: who})
	if err != nil {
		return sendingFile.failed(err)
	}
	return nil
}

func sendStored(c *httpx.Context, f *files.File, name string) error {
	disposition := "attachment"
	if download, _ := strconv.ParseBool(c.Query("download")); !download && slices.Contains(inlineTypes, f.ContentType) {
		disposition = "inline"
	}
	c.SetHeader("Content-Disposition", disposition+"; filename="+name)
	c.SetHeader("Content-Security-Policy", "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; sandbox")
	return c.SendFile(f, servedType(name, f.ContentType), f.Size, f.Modified)
}
