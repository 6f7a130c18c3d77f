package auth

import (
	"crypto/md5"
	"encoding/hex"
	"time"

	"github.com/troupebase/troupe/storage/schema"
)

// maxAgent is how many bytes of a User-Agent tell places apart.
const maxAgent = 200

// Origin is the place that a sign-in comes from.
type Origin struct {
	// IP is the client's address, UserAgent what it says it is.
	IP, UserAgent string
}

// agent is the User-Agent, cut.
func (o Origin) agent() string {
	if len(o.UserAgent) > maxAgent {
		return o.UserAgent[:maxAgent] + "..."
	}
	return o.UserAgent
}

// Fingerprint tells places apart.
func (o Origin) Fingerprint() string {
	sum := md5.Sum([]byte(o.IP + o.agent()))
	return hex.EncodeToString(sum[:])
}

// Info is what an alert says of the sign-in.
func (o Origin) Info(now time.Time) string {
	return schema.FormatDate(now) + " - " + o.IP + " " + o.agent()
}
