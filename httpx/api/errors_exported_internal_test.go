package api

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors/admission"
	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/actors/auth/oauth2"
	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/actors/realtime"
	"github.com/troupebase/troupe/actors/signin"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/internal/routine"
	"github.com/troupebase/troupe/storage/budget"
	"github.com/troupebase/troupe/storage/calls"
	"github.com/troupebase/troupe/storage/files"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/records/expand"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
	"github.com/troupebase/troupe/storage/validation"
	"github.com/troupebase/troupe/wasmhost"
)

// reaching are the errors of the layers below that can reach a handler, with the operation that they fail, if it says something of its
// own, and the status of the answer.
var reaching = map[string]struct {
	err    error
	during *operation
	status int
}{
	"storage/budget.FullError":           {err: &budget.FullError{}, status: 503},
	"storage/files.ErrNotFound":          {files.ErrNotFound, &sendingFile, 404},
	"storage/filter.ErrCollectionFilter": {err: filter.ErrCollectionFilter, status: 403},
	"storage/filter.ErrRequestFilter":    {err: filter.ErrRequestFilter, status: 403},
	"storage/filter.Error":               {err: fmt.Errorf("%w: %w", records.ErrQuery, &filter.Error{}), status: 400},
	"storage/validation.Error":           {validation.Errors{"f": validation.Required}, &creatingRecord, 400},
	"storage/validation.Errors":          {validation.Errors{"f": validation.Required}, &savingSettings, 400},

	"storage/records.BatchError":        {err: &records.BatchError{Err: records.ErrNotFound}, status: 404},
	"storage/records.BeingDeletedError": {err: &records.BeingDeletedError{}, status: 503},
	"storage/records.ErrEnrich":         {err: fmt.Errorf("%w: %w", records.ErrEnrich, &hooks.Rejection{Status: 418}), status: 418},
	"storage/records.ErrForbidden":      {err: records.ErrForbidden, status: 403},
	"storage/records.ErrLastSuperuser":  {err: records.ErrLastSuperuser, status: 400},
	"storage/records.ErrNoCollection":   {err: records.ErrNoCollection, status: 404},
	"storage/records.ErrNotFound":       {err: records.ErrNotFound, status: 404},
	"storage/records.ErrQuery":          {err: records.ErrQuery, status: 400},
	"storage/records.ErrReferenced":     {err: records.ErrReferenced, status: 400},
	"storage/records.ErrRule":           {records.ErrRule, &creatingRecord, 400},
	"storage/records.ErrTable":          {records.ErrTable, &updatingRecord, 400},
	"storage/records.ErrTooBig":         {records.ErrTooBig, &truncatingCollection, 400},
	"storage/records.ErrView":           {err: records.ErrView, status: 400},
	"storage/records/expand.LimitError": {err: &expand.LimitError{}, status: 400},

	"storage/calls.ErrNotFound":      {err: calls.ErrNotFound, status: 404},
	"storage/schema.ErrData":         {schema.ErrData, &updatingCollection, 400},
	"storage/schema.ErrNotFound":     {schema.ErrNotFound, &deletingCollection, 404},
	"storage/schema.ErrSystem":       {schema.ErrSystem, &deletingCollection, 400},
	"storage/schema.ErrTypeData":     {schema.ErrTypeData, &creatingCollection, 400},
	"storage/schema.ErrViewNeeds":    {schema.ErrViewNeeds, &deletingCollection, 400},
	"storage/schema.RawError":        {&schema.RawError{Err: sqlite.ErrWrites}, &creatingCollection, 400},
	"storage/schema.ReferencedError": {&schema.ReferencedError{}, &deletingCollection, 400},

	"storage/sqlite.ErrBusy":           {err: sqlite.ErrBusy, status: 503},
	"storage/sqlite.ErrClosed":         {err: sqlite.ErrClosed, status: 503},
	"storage/sqlite.ErrDenied":         {sqlite.ErrDenied, &runningSQL, 400},
	"storage/sqlite.ErrDiskFull":       {sqlite.ErrDiskFull, &runningBatch, 507},
	"storage/sqlite.ErrEmptyQuery":     {sqlite.ErrEmptyQuery, &runningSQL, 400},
	"storage/sqlite.ErrInterrupted":    {err: sqlite.ErrInterrupted, status: 503},
	"storage/sqlite.ErrNotWritten":     {sqlite.ErrNotWritten, &deletingCollection, 503},
	"storage/sqlite.ErrTakenAlong":     {fmt.Errorf("%w: %w", sqlite.ErrNotWritten, sqlite.ErrTakenAlong), &creatingRecord, 503},
	"storage/sqlite.ErrOutcomeUnknown": {sqlite.ErrOutcomeUnknown, &creatingRecord, 500},
	"storage/sqlite.ErrSeveral":        {sqlite.ErrSeveral, &tryingView, 400},
	"storage/sqlite.ErrTooLarge":       {sqlite.ErrTooLarge, &runningSQL, 400},
	"storage/sqlite.ErrWrites":         {sqlite.ErrWrites, &tryingView, 400},

	"actors/auth.ErrBusy":                 {err: auth.ErrBusy, status: 503},
	"actors/auth.ErrMail":                 {auth.ErrMail, &requestingEmailChange, 400},
	"actors/auth.FormError":               {&auth.FormError{}, &requestingMail, 400},
	"actors/auth.ErrToken":                {err: auth.ErrToken, during: new(signingIn("")), status: 401},
	"actors/auth/oauth2.ErrBusy":          {err: oauth2.ErrBusy, status: 503},
	"actors/auth/oauth2.ErrToken":         {err: oauth2.ErrToken, status: 400},
	"actors/auth/oauth2.ErrUser":          {err: oauth2.ErrUser, status: 400},
	"actors/hooks.Error":                  {err: &hooks.Error{Err: fs.ErrInvalid}, status: 400},
	"actors/hooks.Rejection":              {&hooks.Rejection{}, &creatingRecord, 400},
	"internal/routine.Panic":              {err: &routine.Panic{}, status: 500},
	"actors/signin.ErrAddress":            {err: signin.ErrAddress, status: 403},
	"actors/signin.ErrAttempts":           {err: signin.ErrAttempts, status: 429},
	"actors/signin.ErrAuthRule":           {err: signin.ErrAuthRule, status: 403},
	"actors/signin.ErrCredentials":        {err: signin.ErrCredentials, status: 400},
	"actors/signin.ErrMFAID":              {err: signin.ErrMFAID, status: 400},
	"actors/signin.ErrMFAMethod":          {err: signin.ErrMFAMethod, status: 400},
	"actors/signin.ErrMFARecord":          {err: signin.ErrMFARecord, status: 400},
	"actors/signin.ErrMFARule":            {err: signin.ErrMFARule, status: 400},
	"actors/signin.ErrMFASession":         {err: signin.ErrMFASession, status: 400},
	"actors/signin.ErrOAuth2Off":          {err: signin.ErrOAuth2Off, status: 403},
	"actors/signin.ErrOTP":                {err: signin.ErrOTP, status: 400},
	"actors/signin.ErrOTPOff":             {err: signin.ErrOTPOff, status: 403},
	"actors/signin.ErrPasswordOff":        {err: signin.ErrPasswordOff, status: 403},
	"actors/signin.LinkError":             {&signin.LinkError{Cause: records.ErrRule}, &requestingOTP, 400},
	"actors/signin.SignUpError":           {&signin.SignUpError{Cause: records.ErrRule}, &requestingOTP, 400},
	"actors/realtime.LimitError":          {&realtime.LimitError{Whose: realtime.OfClient}, &subscribing, 429},
	"actors/realtime.ErrStale":            {realtime.ErrStale, &subscribing, 503},
	"actors/realtime.ErrClosed":           {realtime.ErrClosed, &subscribing, 500},
	"wasmhost.ErrBusy":                    {err: wasmhost.ErrBusy, status: 503},
	"wasmhost.ErrClosed":                  {err: wasmhost.ErrClosed, status: 503},
	"wasmhost.ErrSuspended":               {err: wasmhost.ErrSuspended, status: 503},
	"wasmhost.SuspendedError":             {err: &wasmhost.SuspendedError{For: time.Minute}, status: 503},
	"wasmhost.ErrTimeout":                 {err: wasmhost.ErrTimeout, status: 503},
	"wasmhost.Fault":                      {err: &wasmhost.Fault{}, status: 500},
	"actors/admission.ErrOver":            {err: admission.ErrOver, status: 500},
	"actors/writes.ErrDepth":              {err: &hooks.Error{Err: writes.ErrDepth}, status: 400},
	"actors/writes.ErrReadOnly":           {err: &hooks.Error{Err: writes.ErrReadOnly}, status: 400},
	"actors/writes.WrittenError":          {err: &writes.WrittenError{Err: sqlite.ErrBusy}, status: 500},
	"actors/realtime.ErrOtherAddress":     {realtime.ErrOtherAddress, &subscribing, 400},
	"actors/realtime.ErrOtherIdentity":    {realtime.ErrOtherIdentity, &subscribing, 403},
	"actors/realtime.ErrUnknownClient":    {realtime.ErrUnknownClient, &subscribing, 404},
	"actors/writes.PartlyError":           {&writes.PartlyError{Err: sqlite.ErrBusy}, &creatingRecord, 500},
	"actors/writes.ErrTransactionTimeout": {writes.ErrTransactionTimeout, &runningBatch, 503},
	"actors/writes.ErrInTransaction":      {err: &hooks.Error{Err: writes.ErrInTransaction}, status: 400},
	"actors/writes.ErrTransactionOver":    {err: &hooks.Error{Err: writes.ErrTransactionOver}, status: 400},
	"actors/writes.ErrTransactionShared":  {err: &hooks.Error{Err: writes.ErrTransactionShared}, status: 400},
}

// unseen are those that no handler is failed with, and why.
var unseen = map[string]string{
	"actors/guests.ErrStatementTime":    "it is told to the guest whose statement it was",
	"storage/records.ErrInPieces":       "the deletion is done in pieces then",
	"storage/records.ErrTokenKey":       "the confirmation that it ends says that its token is invalid",
	"storage/records.ErrTooMany":        "of searches of programs and guests",
	"storage/records/project.ErrFields": "leaves an empty answer",
	"storage/sqlite.ErrLocked":          "the server does not start",
	"storage/sqlite.ErrParameters":      "of queries of guests",
	"storage/sqlite.ErrUncounted":       "the total is counted then",
	"storage/sqlite.UniqueError":        "the write makes a failure of the field of it",
	"storage/migrations.ErrTooOld":      "the server does not start",
	"actors/app.ErrBegun":               "the server does not start",
	"actors/app.ErrNotOpen":             "of programs before the start",
	"actors/auth.DeletionError":         "of the command line",
	"actors/auth.ErrDeletionEmail":      "of the command line",
	"actors/auth.ErrEmail":              "of the command line",
	"actors/auth.ErrIdentityField":      "the sign-in fails with ErrCredentials then",
	"actors/auth.ErrNoSuperusers":       "of the command line",
	"actors/auth.ErrPasswordTooLong":    "the field's own check comes first",
	"actors/auth.NoSuperuserError":      "of the command line",
	"actors/signin.SecondFactorError":   "its own answer, which is no envelope",
	"actors/guests.StatementError":      "what a statement of a guest failed with, told to it",
	"actors/guests.ErrNotPermitted":     "told to the guest",
	"actors/guests.ErrCredential":       "told to the guest",
	"actors/guests.ErrSecret":           "told to the guest",
	"actors/guests.ErrNoField":          "told to the guest",
	"actors/realtime.ErrSlow":           "of subscriptions of programs",
	"actors/realtime.ErrTooManyFeeds":   "of subscriptions of programs",
	"actors/mailer.ErrClosed":           "mails go out after the answer",
	"actors/mailer.ErrFull":             "mails go out after the answer",
	"actors/mailer.ErrNoSendmail":       "mails go out after the answer",
	"wasmhost.Error":                    "what a host function says to its guest",
	"wasmhost.Blame":                    "leaves extensions out of a set",
	"wasmhost.Rejection":                "becomes a hooks.Rejection",
	"wasmhost/rewrite.ErrContract":      "the extension is not loaded",
	"wasmhost/rewrite.ErrMalformed":     "the extension is not loaded",
	"wasmhost/rewrite.ErrNotWasm":       "the extension is not loaded",
	"wasmhost/rewrite.ErrUnsupported":   "the extension is not loaded",
}

// TestEveryErrorHasItsAnswer lists the exported errors of the layers below and asks for the answer to each: a new one is not forgotten.
func TestEveryErrorHasItsAnswer(t *testing.T) {
	found := exportedErrors(t, "storage", "actors", "wasmhost", "internal/routine")
	for _, name := range found {
		_, seen := reaching[name]
		_, hidden := unseen[name]
		if seen == hidden {
			t.Errorf("%s: it is not said what the answer to it is, or that nobody sees it (or both)", name)
		}
	}
	known := make(map[string]bool, len(found))
	for _, name := range found {
		known[name] = true
	}
	for name, c := range reaching {
		if !known[name] {
			t.Errorf("%s is no error any more", name)
		}
		err := fmt.Errorf("doing something: %w", c.err)
		if c.during != nil {
			err = c.during.failed(err)
		}
		shown, own := err.(*httpx.Error)
		if !own {
			shown = mapError(err)
		}
		if shown == nil {
			shown = httpx.AsError(err)
		}
		if shown.Status != c.status {
			t.Errorf("%s: %d, want %d", name, shown.Status, c.status)
		}
	}
	for name := range unseen {
		if !known[name] {
			t.Errorf("%s is no error any more", name)
		}
	}
}

// exportedErrors returns the names of the variables Err… and of the types with an Error method in packages of the repository.
func exportedErrors(t *testing.T, dirs ...string) (names []string) {
	t.Helper()
	root := filepath.Join("..", "..")
	for _, dir := range dirs {
		err := filepath.WalkDir(filepath.Join(root, dir), func(file string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && (d.Name() == "testdata" || d.Name() == "faultfs") {
				return fs.SkipDir
			}
			if d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
				return nil
			}
			source, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			pkg, err := filepath.Rel(root, filepath.Dir(file))
			for _, name := range errorNames(source) {
				names = append(names, filepath.ToSlash(pkg)+"."+name)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(names) < 50 {
		t.Fatalf("only %d errors are found", len(names))
	}
	return names
}

// errorNames returns the exported errors of a file.
func errorNames(file *ast.File) (names []string) {
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				values, ok := spec.(*ast.ValueSpec)
				if !ok || d.Tok != token.VAR {
					continue
				}
				for _, name := range values.Names {
					if strings.HasPrefix(name.Name, "Err") {
						names = append(names, name.Name)
					}
				}
			}
		case *ast.FuncDecl:
			if d.Name.Name != "Error" || d.Recv == nil || len(d.Type.Params.List) > 0 {
				continue
			}
			of := d.Recv.List[0].Type
			if pointer, ok := of.(*ast.StarExpr); ok {
				of = pointer.X
			}
			if name, ok := of.(*ast.Ident); ok && name.IsExported() {
				names = append(names, name.Name)
			}
		}
	}
	return names
}
