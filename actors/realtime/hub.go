package realtime

import (
	"context"
	"errors"
	"log/slog"
	"net"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// Why a stream is not bound to topics.
var (
	// ErrUnknownClient says that there is no stream with that id (any more).
	ErrUnknownClient = errors.New("realtime: unknown client")
	// ErrOtherAddress says that the stream was opened from another address.
	ErrOtherAddress = errors.New("realtime: the stream belongs to another address")
	// ErrOtherIdentity says that the stream is bound to another record.
	ErrOtherIdentity = errors.New("realtime: the stream is bound to another record")
	// ErrClosed says that the hub was closed.
	ErrClosed = errors.New("realtime: closed")
)

// Options are what a [Hub] takes from outside.
type Options struct {
	// Logger gets what nobody can be answered with.
	Logger *slog.Logger
	// Catalogue returns the current definitions.
	Catalogue func() *schema.Catalogue
	// System is the actor system, Supervisor the properties of an actor that only supervises, and Spawn starts an actor
	// below the root of the tree.
	System     *actor.ActorSystem
	Supervisor *actor.Props
	Spawn      func(props *actor.Props, name string) (*actor.PID, error)
}

// Hub holds the streams of all clients. It is safe for concurrent use.
type Hub struct {
	opts Options
}

// NewHub returns a hub without streams. It does nothing before [Hub.Start].
func NewHub(o Options) *Hub { return &Hub{opts: o} }

// Start spawns the actors.
func (h *Hub) Start(db *sqlite.DB, store *records.Store) error { return nil }

// Committing is to be called as sqlite.Options.Committing: a snapshot is pinned there for deletes that somebody watches.
func (h *Hub) Committing(g sqlite.Group) {}

// Committed is to be called as sqlite.Options.Committed. It waits while too much is owed to subscribers.
func (h *Hub) Committed(g sqlite.Group) {}

// CollectionRevoked makes guests of all streams that are bound to records of a collection: it was deleted, or the secret
// of its tokens changed.
func (h *Hub) CollectionRevoked(collectionID string) {}

// Connect opens a stream on a connection that was taken over from HTTP. head is the head of the answer, which is written
// first, chunked encoding added. The connection belongs to the hub when the error is nil.
func (h *Hub) Connect(conn net.Conn, head []byte, ip string) error { return ErrClosed }

// Subscribe replaces the topics of a stream and binds it to an identity, nil for a guest. ip is the address that the
// request came from. It fails with [ErrUnknownClient], [ErrOtherAddress] or [ErrOtherIdentity].
func (h *Hub) Subscribe(ctx context.Context, clientID string, topics []string, who *filter.Identity, ip string) error {
	return ErrUnknownClient
}

// Close sends what is under way and ends all streams.
func (h *Hub) Close() error { return nil }
