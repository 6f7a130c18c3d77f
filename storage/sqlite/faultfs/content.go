package faultfs

import (
	"math/rand/v2"
	"slices"
)

// sector is the unit that a disk writes as a whole.
const sector = 512

// content is what is known of a file.
type content struct {
	durable []byte   // what is on the disk for certain
	pending []change // what was done since, in order
	size    int64    // now, as everybody sees it
	gone    bool     // deleted; with pending changes that is not certain either
}

// change is a write, or a cut of the file to a size.
type change struct {
	offset int64
	data   []byte
	cut    bool
	limbo  bool // a sync failed over it: later ones say nothing about it
}

// sync makes durable what is not in limbo.
func (c *content) sync() {
	var limbo []change
	for _, ch := range c.pending {
		if ch.limbo {
			limbo = append(limbo, ch)
			continue
		}
		c.durable = ch.apply(c.durable)
		var left []change
		for _, old := range limbo {
			left = append(left, old.without(ch)...)
		}
		limbo = left
	}
	c.pending = limbo
}

// after returns the content after a loss of power.
func (c *content) after(loss Loss, random *rand.Rand) []byte {
	b := slices.Clone(c.durable)
	for _, ch := range c.pending {
		keep, torn := loss(random)
		switch {
		case !keep:
		case torn && !ch.cut:
			for i := 0; i < len(ch.data); i += sector {
				if random.IntN(2) == 0 {
					end := min(i+sector, len(ch.data))
					b = change{offset: ch.offset + int64(i), data: ch.data[i:end]}.apply(b)
				}
			}
		default:
			b = ch.apply(b)
		}
	}
	return b
}

// apply returns b with the change made.
func (ch change) apply(b []byte) []byte {
	end := ch.offset + int64(len(ch.data))
	if missing := end - int64(len(b)); missing > 0 {
		b = append(b, make([]byte, missing)...)
	}
	if ch.cut {
		return b[:ch.offset]
	}
	copy(b[ch.offset:], ch.data)
	return b
}

// without returns what is left of a write in limbo when a later change is certain. A cut in limbo is undone by nothing but another cut or, where it
// matters, by writes behind it.
func (ch change) without(later change) []change {
	if ch.cut {
		if later.cut {
			return nil
		}
		return []change{ch}
	}
	start, end := ch.offset, ch.offset+int64(len(ch.data))
	from, to := later.offset, later.offset+int64(len(later.data))
	if later.cut {
		to = end
	}
	var left []change
	if from > start {
		left = append(left, change{offset: start, data: ch.data[:min(from, end)-start], limbo: true})
	}
	if to < end && to >= from {
		left = append(left, change{offset: max(to, start), data: ch.data[max(to, start)-start:], limbo: true})
	}
	return left
}
