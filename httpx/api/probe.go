package api

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// Someone who may not list a collection's records could find out what they hold by filters and the time they take. Whoever
// gets more than probeFree empty answers within probeWindow has to wait a little for each further one (records.md 2).
const (
	probeFree   = 3
	probeWindow = 3 * time.Second
	probeDelay  = 500 * time.Millisecond
	// maxProbes bounds the memory of this: beyond it counting begins anew.
	maxProbes = 10_000
)

// probes counts empty answers by client and collection. The zero value is ready.
type probes struct {
	mu   sync.Mutex
	seen map[probe]*window
}

type probe struct{ client, collection string }

type window struct {
	ends time.Time
	n    int
}

// slow notes an empty answer and waits when there were too many of them.
func (p *probes) slow(ctx context.Context, client, collection string) {
	if !p.suspicious(probe{client, collection}, time.Now()) {
		return
	}
	timer := time.NewTimer(rand.N(probeDelay))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (p *probes) suspicious(key probe, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.seen[key]
	if w == nil || now.After(w.ends) {
		if p.seen == nil || len(p.seen) >= maxProbes {
			p.seen = make(map[probe]*window)
		}
		w = &window{ends: now.Add(probeWindow)}
		p.seen[key] = w
	}
	w.n++
	return w.n > probeFree
}
