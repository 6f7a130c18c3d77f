//go:build wasip1

package troupe

import "unsafe"

// Record is a record of the server, read and changed field by field. It is valid until the handler returns, or until Next
// of the rows it came from. The zero value is no record.
//
// Getters and setters keep their first failure for the end of the call, see the package comment.
type Record struct{ handle int32 }

// Exists reports whether there is a record.
func (r Record) Exists() bool { return r.handle > 0 }

// ID is the record's id.
func (r Record) ID() string { return r.Text("id") }

// Text is the value of a field as text: texts as they are, numbers and bools as JSON writes them, everything else as JSON.
func (r Record) Text(name string) string {
	return r.read("record_text", name)
}

// JSON is the value of a field as JSON; an empty name is the whole record.
func (r Record) JSON(name string) string {
	return r.read("record_json", name)
}

func (r Record) read(op, name string) string {
	s, n := r.get(op, name)
	if n < 0 {
		keep(op, name, n)
	}
	return s
}

// Lookup is Text for a field that may be missing: the failure is returned and not kept.
func (r Record) Lookup(name string) (string, error) {
	s, n := r.get("record_text", name)
	if n < 0 {
		return "", hostError("record_text", name, n)
	}
	return s, nil
}

func (r Record) get(op, name string) (string, int32) {
	for {
		buf, size := room()
		var n int32
		if op == "record_text" {
			n = hostRecordText(r.handle, name, buf, size)
		} else {
			n = hostRecordJSON(r.handle, name, buf, size)
		}
		if n < 0 {
			return "", n
		}
		if !grow(n) {
			return string(buffer[:n]), 0
		}
	}
}

// SetText sets a field to what it makes of a text. A modifier is allowed around the name: "tags+".
func (r Record) SetText(name, value string) {
	if n := hostRecordSetText(r.handle, name, value); n < 0 {
		keep("record_set_text", name, n)
	}
}

// number receives what record_number writes.
var number float64

// Number is the value of a number field, or 0 and 1 of a bool.
func (r Record) Number(name string) float64 {
	if n := hostRecordNumber(r.handle, name, unsafe.Pointer(&number)); n < 0 {
		keep("record_number", name, n)
		return 0
	}
	return number
}

// SetNumber sets a field to what it makes of a number.
func (r Record) SetNumber(name string, v float64) {
	if n := hostRecordSetNumber(r.handle, name, v); n < 0 {
		keep("record_set_number", name, n)
	}
}

// Bool is the value of a bool field.
func (r Record) Bool(name string) bool { return r.Number(name) != 0 }

// SetBool sets a bool field.
func (r Record) SetBool(name string, v bool) {
	if v {
		r.SetNumber(name, 1)
		return
	}
	r.SetNumber(name, 0)
}

// SetJSON sets a field to what it makes of a JSON value. In record.enrich a name that is no field adds a key to what is
// shown.
func (r Record) SetJSON(name string, v JSON) {
	json, size := bytesPointer(v.JSON())
	if n := hostRecordSetJSON(r.handle, name, json, size); n < 0 {
		keep("record_set_json", name, n)
	}
}

// Hide leaves a field out of what is shown, in record.enrich.
func (r Record) Hide(name string) {
	if n := hostRecordHide(r.handle, name); n < 0 {
		keep("record_hide", name, n)
	}
}

// Show shows a hidden field, in record.enrich.
func (r Record) Show(name string) {
	if n := hostRecordShow(r.handle, name); n < 0 {
		keep("record_show", name, n)
	}
}

// Collection is the name of the record's collection.
func (r Record) Collection() string {
	for {
		buf, size := room()
		n := hostRecordCollection(r.handle, buf, size)
		if n < 0 {
			keep("record_collection", "", n)
			return ""
		}
		if !grow(n) {
			return string(buffer[:n])
		}
	}
}

// Original is the record as it is stored; it does not exist while the record is new.
func (r Record) Original() Record {
	n := hostRecordOriginal(r.handle)
	if n < 0 {
		if Errno(n) != NotFound {
			keep("record_original", "", n)
		}
		return Record{}
	}
	return Record{n}
}

// Close gives the record up before the handler returns: a call may hold 1,024.
func (r Record) Close() { hostClose(r.handle) }
