package api

import (
	"slices"

	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/ui"
)

// Paths that several routes share.
const (
	collectionsPath = "/api/collections"
	collectionPath  = collectionsPath + "/{collection}"
	recordsPath     = collectionPath + "/records"
	recordPath      = recordsPath + "/{id}"
)

// endpoints is the table of all routes: those of records and files, of signing in, of superusers, and the others.
func endpoints(h *handlers) []Endpoint {
	return slices.Concat(recordEndpoints(h), authEndpoints(h.auth), superuserEndpoints(h), extensionEndpoints(h.extensions), otherEndpoints(h))
}

func recordEndpoints(h *handlers) []Endpoint {
	r := h.records
	return []Endpoint{
		{Method: "GET", Path: recordsPath, Access: Anybody, Collection: AnyCollection, Rate: "list", handler: listHandler(r.list), Description: "Lists the records that the list rule lets the caller see, filtered, sorted and page by page."},
		{Method: "GET", Path: recordPath, Access: Anybody, Collection: AnyCollection, Rate: "view", handler: readHandler(r.view), Description: "Shows one record."},
		{Method: "POST", Path: recordsPath, Access: Anybody, Collection: StoredCollection, Body: RecordBody, Rate: "create", handler: collectionHandler(r.create), Description: "Creates a record, its files included."},
		{Method: "PATCH", Path: recordPath, Access: Anybody, Collection: StoredCollection, Body: RecordBody, Rate: "update", handler: collectionHandler(r.update), Description: "Changes the fields of a record that the body names."},
		{Method: "DELETE", Path: recordPath, Access: Anybody, Collection: StoredCollection, Rate: "delete", handler: collectionHandler(r.delete), Description: "Deletes a record, and what refers to it as the relations say."},
		{Method: "POST", Path: "/api/batch", Access: Anybody, Body: BatchBody, handler: plainHandler(h.batch.run), Description: "Runs several creates, updates, upserts and deletes of records in one transaction."},
		{Method: "GET", Path: "/api/files/{collection}/{id}/{name}", Access: Anybody, Collection: AnyCollection, Rate: "file", handler: readHandler(h.files.download), Description: "Sends a file of a record. One of a protected field needs a file token."},
		{Method: "POST", Path: "/api/files/token", Access: SignedIn, handler: plainHandler(h.auth.fileToken), Description: "Issues a token of short life with which the caller can fetch protected files."},
		{Method: "GET", Path: "/api/realtime", Access: Anybody, Quiet: true, handler: plainHandler(h.realtime.connect), Description: "Opens a stream of events about changed records."},
		{Method: "POST", Path: "/api/realtime", Access: Anybody, handler: plainHandler(h.realtime.subscribe), Description: "Says which topics a stream gets events of, and on whose behalf."},
	}
}

func authEndpoints(a *authHandlers) []Endpoint {
	const base = collectionPath + "/"
	return []Endpoint{
		{Method: "GET", Path: base + "auth-methods", Access: Anybody, Collection: AuthCollection, Rate: "listAuthMethods", handler: collectionHandler(a.methods), Description: "Tells in which ways one can sign in to a collection."},
		{Method: "POST", Path: base + "auth-with-password", Access: Anybody, Collection: AuthCollection, Rate: "authWithPassword auth", handler: collectionHandler(a.withPassword), Description: "Signs in with a password."},
		{Method: "POST", Path: base + "auth-with-otp", Access: Anybody, Collection: AuthCollection, Rate: "authWithOTP auth", handler: collectionHandler(a.withOTP), Description: "Signs in with a one-time password."},
		{Method: "POST", Path: base + "auth-with-oauth2", Access: Anybody, Collection: AuthCollection, Rate: "authWithOAuth2 auth", handler: collectionHandler(a.withOAuth2), Description: "Signs in, or up, with a code of an OAuth2 provider."},
		{Method: "POST", Path: base + "auth-refresh", Access: SameCollection, Collection: AuthCollection, Rate: "authRefresh", handler: collectionHandler(a.refresh), Description: "Issues a new token for the caller."},
		{Method: "POST", Path: base + "impersonate/{id}", Access: Superusers, Collection: AuthCollection, handler: collectionHandler(a.impersonate), Description: "Issues a token for another record, which cannot be refreshed."},
		{Method: "POST", Path: base + "request-otp", Access: Anybody, Collection: AuthCollection, Rate: "requestOTP", handler: collectionHandler(a.requestOTP), Description: "Mails a one-time password."},
		{Method: "POST", Path: base + "request-verification", Access: Anybody, Collection: AuthCollection, Rate: "requestVerification", handler: collectionHandler(a.requestVerification), Description: "Mails a link that verifies an address."},
		{Method: "POST", Path: base + "confirm-verification", Access: Anybody, Collection: AuthCollection, Rate: "confirmVerification", handler: collectionHandler(a.confirmVerification), Description: "Verifies an address with the token of a mail."},
		{Method: "POST", Path: base + "request-password-reset", Access: Anybody, Collection: AuthCollection, Rate: "requestPasswordReset", handler: collectionHandler(a.requestPasswordReset), Description: "Mails a link with which a new password can be set."},
		{Method: "POST", Path: base + "confirm-password-reset", Access: Anybody, Collection: AuthCollection, Rate: "confirmPasswordReset", handler: collectionHandler(a.confirmPasswordReset), Description: "Sets a new password with the token of a mail."},
		{Method: "POST", Path: base + "request-email-change", Access: SameCollection, Collection: AuthCollection, Rate: "requestEmailChange", handler: collectionHandler(a.requestEmailChange), Description: "Mails a link to the new address of the caller."},
		{Method: "POST", Path: base + "confirm-email-change", Access: Anybody, Collection: AuthCollection, Rate: "confirmEmailChange", handler: collectionHandler(a.confirmEmailChange), Description: "Changes an address with the token of a mail and the password."},
		{Method: "GET", Path: "/api/oauth2-redirect", Access: Anybody, Quiet: true, handler: plainHandler(a.oauth2Redirect), Description: "Takes what an OAuth2 provider sends a person back with, and hands it to the stream that waits for it."},
		{Method: "POST", Path: "/api/oauth2-redirect", Access: Anybody, Quiet: true, handler: plainHandler(a.oauth2Redirect), Description: "Does the same for providers that send a form."},
	}
}

func superuserEndpoints(h *handlers) []Endpoint {
	c, s := h.collections, h.settings
	return []Endpoint{
		{Method: "GET", Path: collectionsPath, Access: Superusers, handler: listHandler(c.list), Description: "Lists the definitions of the collections, filtered, sorted and page by page."},
		{Method: "POST", Path: collectionsPath, Access: Superusers, handler: plainHandler(c.create), Description: "Creates a collection."},
		{Method: "GET", Path: collectionPath, Access: Superusers, Collection: AnyCollection, handler: collectionHandler(c.view), Description: "Shows the definition of a collection."},
		{Method: "PATCH", Path: collectionPath, Access: Superusers, Collection: AnyCollection, handler: collectionHandler(c.update), Description: "Changes the definition of a collection."},
		{Method: "DELETE", Path: collectionPath, Access: Superusers, Collection: AnyCollection, handler: collectionHandler(c.delete), Description: "Deletes a collection with its records."},
		{Method: "DELETE", Path: collectionPath + "/truncate", Access: Superusers, Collection: AnyCollection, handler: collectionHandler(c.truncate), Description: "Deletes all records of a collection."},
		{Method: "PUT", Path: collectionsPath + "/import", Access: Superusers, handler: plainHandler(c.importAll), Description: "Creates and changes many collections at once, and deletes the others if asked to."},
		{Method: "GET", Path: collectionsPath + "/meta/scaffolds", Access: Superusers, handler: plainHandler(c.scaffolds), Description: "Shows an empty definition for each type of collection."},
		{Method: "GET", Path: collectionsPath + "/meta/oauth2-providers", Access: Superusers, handler: plainHandler(c.providers), Description: "Lists the OAuth2 providers that can be configured."},
		{Method: "POST", Path: collectionsPath + "/meta/dry-run-view", Access: Superusers, handler: plainHandler(c.dryRunView), Description: "Runs the query of a view collection and shows some of its records."},
		{Method: "POST", Path: "/api/sql", Access: Superusers, handler: plainHandler(h.sql.run), Description: "Runs an SQL statement."},
		{Method: "GET", Path: "/api/settings", Access: Superusers, handler: plainHandler(s.view), Description: "Shows the settings, without the secrets."},
		{Method: "PATCH", Path: "/api/settings", Access: Superusers, handler: plainHandler(s.update), Description: "Changes the settings that the body names."},
		{Method: "POST", Path: "/api/settings/test/email", Access: Superusers, handler: plainHandler(h.auth.testEmail), Description: "Sends a mail to try the settings."},
		{Method: "POST", Path: "/api/settings/apple/generate-client-secret", Access: Superusers, handler: plainHandler(s.appleSecret), Description: "Signs a client secret for signing in with Apple."},
	}
}

func extensionEndpoints(x *extensionHandlers) []Endpoint {
	const kept = "/api/extensions/calls"
	return []Endpoint{
		{Method: "GET", Path: "/api/extensions", Access: Superusers, handler: plainHandler(x.list), Description: "Lists the loaded extensions with the health of their hooks and routes, the files that were refused, and how many calls are kept."},
		{Method: "GET", Path: kept, Access: Superusers, handler: listHandler(x.calls), Description: "Lists the calls of extensions that are kept to be made again, page by page, of one `extension` or `state`."},
		{Method: "GET", Path: kept + "/{id}", Access: Superusers, handler: plainHandler(x.call), Description: "Shows one of these calls with its whole record."},
		{Method: "POST", Path: kept + "/{id}/replay", Access: Superusers, handler: plainHandler(x.replay), Description: "Makes a call due now, also one that was given up."},
		{Method: "POST", Path: kept + "/replay", Access: Superusers, handler: plainHandler(x.replayAll), Description: "Makes all calls of an extension due now."},
		{Method: "DELETE", Path: kept + "/{id}", Access: Superusers, handler: plainHandler(x.discard), Description: "Takes a call away without making it."},
	}
}

func otherEndpoints(h *handlers) []Endpoint {
	return []Endpoint{
		{Method: "GET", Path: "/api/health", Access: Anybody, handler: plainHandler(httpx.Health(canBackup)), Description: "Answers as long as the server works. Superusers learn more."},
		{Method: "GET", Path: "/api/", Access: Anybody, handler: plainHandler(about(h.version)), Description: "Tells which server this is, for whoever opens the address by hand."},
		{Method: "GET", Path: "/api", Access: Anybody, handler: plainHandler(noFile), Description: "Answers 404: without its slash the address leads nowhere."},
		{Method: "GET", Path: dashboard, Access: Anybody, Quiet: true, handler: plainHandler(page("text/html; charset=utf-8", ui.Install)), Description: "Shows the page on which the first superuser is made."},
		{Method: "GET", Path: dashboard + "install.js", Access: Anybody, Quiet: true, handler: plainHandler(page("text/javascript; charset=utf-8", ui.InstallScript)), Description: "Is the script of that page."},
	}
}

// canBackup tells whether a backup could be started: none is ever under way, there are no backups yet.
func canBackup() bool { return true }

// routeOf returns the route of a table for that method and path, nil for none.
func routeOf(routes []*httpx.Route, method, path string) *httpx.Route {
	i := slices.IndexFunc(routes, func(r *httpx.Route) bool { return r.Method == method && r.Path == path })
	if i < 0 {
		return nil
	}
	return routes[i]
}
