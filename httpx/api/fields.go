package api

import (
	"errors"

	"github.com/troupebase/troupe/storage/records/project"
)

// pick is project.Fields for answers: an expression that cannot be read leaves nothing, the status stays.
func pick(dst, body []byte, fields string) ([]byte, error) {
	out, err := project.Fields(dst, body, fields)
	if errors.Is(err, project.ErrFields) {
		return nil, nil
	}
	return out, err
}
