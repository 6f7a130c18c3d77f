package auth

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"
	"unsafe"

	"github.com/golang-jwt/jwt/v5"
	"github.com/maypok86/otter/v2"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// maxSessions is how many tokens are remembered: about 2 KB each with their records, 32 MB at most.
const maxSessions = 16384

// Session is a token that was found good, and whose it is. It is immutable and shared by all requests with that token.
type Session struct {
	Claims *Claims
	// Record is the signed-in record as it was when the token was last looked at.
	Record *records.Record
	// Identity is the same record as rules see it.
	Identity *filter.Identity
	// Credential is what the identity rests on, for whoever uses it later.
	Credential *records.Credential
	// Front is what [VerifierOptions.Front] made of the session.
	Front any
}

// VerifierOptions are what a [Verifier] takes from outside.
type VerifierOptions struct {
	DB *sqlite.DB
	// Catalogue returns the current snapshot; inside a read it belongs to the tables.
	Catalogue func() *schema.Catalogue
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Front, when it is set, is called once per remembered session; its result is kept in [Session.Front], so that the
	// layer above need not make its own form of a session for each request.
	Front func(*Session) any
}

// Verifier tells whose a token is. It is safe for concurrent use.
type Verifier struct {
	opts  VerifierOptions
	cache *otter.Cache[[sha256.Size]byte, *remembered]
}

// remembered is a session and what its signature was checked with.
type remembered struct {
	session *Session
	key     []byte
}

// NewVerifier returns a verifier that remembers nothing yet.
func NewVerifier(o VerifierOptions) (*Verifier, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	cache, err := otter.New(&otter.Options[[sha256.Size]byte, *remembered]{MaximumSize: maxSessions})
	if err != nil {
		return nil, fmt.Errorf("new verifier: %w", err)
	}
	return &Verifier{opts: o, cache: cache}, nil
}

// Verify returns whose the token is. It fails with [ErrToken] when the token cannot be used as one of that kind, and with
// the errors of sqlite.DB.Read. A token that was seen before is answered from memory, without allocating, as long as
// neither its collection's records nor any definition has changed.
func (v *Verifier) Verify(ctx context.Context, token string, kind Kind) (*Session, error) {
	hash := hashOf(token)
	known, ok := v.cache.GetIfPresent(hash)
	if ok && known.session.Claims.Kind != kind {
		return nil, fmt.Errorf("%w: it is of kind %s", ErrToken, known.session.Claims.Kind)
	}
	now := v.opts.Now()
	if !ok {
		return v.examine(ctx, token, hash, kind, now)
	}
	if known.session.Claims.expired(now) {
		v.cache.Invalidate(hash)
		return nil, fmt.Errorf("%w: expired", ErrToken)
	}
	if v.unmoved(known.session) {
		return known.session, nil
	}
	return v.renew(ctx, token, hash, known, now)
}

// Current tells whether a session certainly still counts: nothing it rests on has moved since it was verified. It compares
// a few numbers and neither waits nor allocates. After false, [Verifier.Verify] tells what has become of the token.
func (v *Verifier) Current(s *Session) bool { return !s.Claims.expired(v.opts.Now()) && v.unmoved(s) }

func (v *Verifier) unmoved(s *Session) bool {
	cred := s.Credential
	return cred.Catalogue == v.opts.Catalogue().Number && cred.Version == v.opts.DB.Version(s.Record.Collection.Name)
}

// hashOf returns the key under which a token is remembered: who reads the process's memory finds no token in it. The text
// is looked at in place, which saves a copy per request.
func hashOf(token string) [sha256.Size]byte {
	return sha256.Sum256(unsafe.Slice(unsafe.StringData(token), len(token)))
}

// examine looks at a token for the first time.
func (v *Verifier) examine(ctx context.Context, token string, hash [sha256.Size]byte, kind Kind, now time.Time) (*Session, error) {
	claims, signed, err := unsigned(token, now)
	if err != nil {
		return nil, err
	}
	if claims.Kind != kind {
		return nil, fmt.Errorf("%w: it is of kind %s", ErrToken, claims.Kind)
	}
	found, err := v.look(ctx, claims)
	if err != nil {
		return nil, err
	}
	if err := jwt.SigningMethodHS256.Verify(signed.Raw, signed.Signature, found.key); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrToken, err)
	}
	v.remember(hash, found)
	return found.session, nil
}

// renew looks at a known token again after something had changed. Its signature need not be computed again while the key
// is the same.
func (v *Verifier) renew(ctx context.Context, token string, hash [sha256.Size]byte, known *remembered, now time.Time) (*Session, error) {
	found, err := v.look(ctx, known.session.Claims)
	if err != nil {
		v.cache.Invalidate(hash)
		return nil, err
	}
	if string(found.key) != string(known.key) {
		v.cache.Invalidate(hash)
		return v.examine(ctx, token, hash, known.session.Claims.Kind, now)
	}
	v.remember(hash, found)
	return found.session, nil
}

// remember keeps what was found, unless it belongs to a kind of token that is used once.
func (v *Verifier) remember(hash [sha256.Size]byte, found *remembered) {
	if v.opts.Front != nil {
		found.session.Front = v.opts.Front(found.session)
	}
	if found.session.Claims.Kind.remembered() {
		v.cache.Set(hash, found)
	}
}

// look finds the record that claims speak of, and the key that its tokens are signed with.
func (v *Verifier) look(ctx context.Context, claims *Claims) (*remembered, error) {
	var found *remembered
	err := v.opts.DB.Read(ctx, func(r *sqlite.Reader) error {
		cat := v.opts.Catalogue()
		c := cat.Find(claims.CollectionID)
		if c == nil || !c.IsAuth() || c.Auth == nil {
			return fmt.Errorf("%w: no auth collection %q", ErrToken, claims.CollectionID)
		}
		options, ok := claims.Kind.options(c.Auth)
		if !ok {
			return fmt.Errorf("%w: kind %q", ErrToken, claims.Kind)
		}
		// The version is noted before the snapshot begins: a write in between makes the entry stale, never wrong.
		version := v.opts.DB.Version(c.Name)
		record, err := records.Find(r, c, claims.ID)
		if err != nil {
			return fmt.Errorf("%w: record %q of %s: %w", ErrToken, claims.ID, c.Name, err)
		}
		key := signingKey(record.Text("tokenKey"), options.Secret)
		if key == nil {
			return fmt.Errorf("%w: the record cannot have tokens", ErrToken)
		}
		session := &Session{Claims: claims, Record: record, Identity: record.Identity()}
		session.Credential = &records.Credential{
			Identity: session.Identity, Kind: string(claims.Kind), Secret: options.Secret, TokenKey: record.Text("tokenKey"),
			Expires: claims.Expires, Catalogue: cat.Number, Version: version,
		}
		found = &remembered{session: session, key: key}
		return nil
	})
	return found, err
}
