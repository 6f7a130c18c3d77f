package api

import (
	"errors"

	"github.com/troupebase/troupe/storage/records"
)

// pick is records.Pick for answers: an expression that cannot be read leaves nothing, the status stays.
func pick(dst, body []byte, fields string) ([]byte, error) {
	out, err := records.Pick(dst, body, fields)
	if errors.Is(err, records.ErrFields) {
		return nil, nil
	}
	return out, err
}
