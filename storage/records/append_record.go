package records

// AppendRecord appends a record as a JSON object with its hidden fields and without the secrets of auth records: what
// those are shown who work in the server's name.
func (s *Store) AppendRecord(dst []byte, r *Record) []byte {
	dst, _ = s.encoderFor(s.catalogue(), r.Collection, layout{hidden: true}).record(dst, r, &audience{all: true})
	return dst
}
