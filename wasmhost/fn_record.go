package wasmhost

import (
	"encoding/json"
	"math"
	"unicode/utf8"
)

// field returns record and field name of a call, whose first three parameters they are.
func (i *instance) field(p []uint64) (Record, string, *Error) {
	r, err := i.call.handles.record(p[0])
	if err != nil {
		return nil, "", err
	}
	name, err := i.name(p[1], p[2])
	return r, name, err
}

func recordText(i *instance, p []uint64) (int32, *Error) {
	r, name, err := i.field(p)
	if err != nil {
		return 0, err
	}
	value, failure := r.AppendText(i.scratch[:0], name)
	if failure != nil {
		return 0, i.explain("record_text", failure)
	}
	i.scratch = value
	return i.fill(value, p[3], p[4])
}

func recordSetText(i *instance, p []uint64) (int32, *Error) {
	r, name, err := i.field(p)
	if err != nil {
		return 0, err
	}
	value, err := i.text(p[3], p[4], i.extension.manager.limits.Payload)
	if err != nil {
		return 0, err
	}
	if failure := r.SetText(name, value); failure != nil {
		return 0, i.explain("record_set_text", failure)
	}
	return 0, nil
}

func recordNumber(i *instance, p []uint64) (int32, *Error) {
	r, name, err := i.field(p)
	if err != nil {
		return 0, err
	}
	v, failure := r.Number(name)
	if failure != nil {
		return 0, i.explain("record_number", failure)
	}
	if !i.memory.WriteFloat64Le(uint32(p[3]), v) {
		return 0, errPointer
	}
	return 0, nil
}

func recordSetNumber(i *instance, p []uint64) (int32, *Error) {
	r, name, err := i.field(p)
	if err != nil {
		return 0, err
	}
	v := math.Float64frombits(p[3])
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, invalid("%v is not a number that JSON has", v)
	}
	if failure := r.SetNumber(name, v); failure != nil {
		return 0, i.explain("record_set_number", failure)
	}
	return 0, nil
}

func recordJSON(i *instance, p []uint64) (int32, *Error) {
	r, name, err := i.field(p)
	if err != nil {
		return 0, err
	}
	value, failure := r.AppendJSON(i.scratch[:0], name)
	if failure != nil {
		return 0, i.explain("record_json", failure)
	}
	i.scratch = value
	return i.fill(value, p[3], p[4])
}

func recordSetJSON(i *instance, p []uint64) (int32, *Error) {
	r, name, err := i.field(p)
	if err != nil {
		return 0, err
	}
	raw, err := i.payload(p[3], p[4], i.extension.manager.limits.Payload)
	if err != nil {
		return 0, err
	}
	if err := checkJSON(raw); err != nil {
		return 0, err
	}
	if failure := r.SetJSON(name, raw); failure != nil {
		return 0, i.explain("record_set_json", failure)
	}
	return 0, nil
}

// checkJSON accepts JSON in UTF-8.
func checkJSON(raw []byte) *Error {
	switch {
	case !utf8.Valid(raw):
		return errText
	case !json.Valid(raw):
		return errJSON
	}
	return nil
}

func recordCollection(i *instance, p []uint64) (int32, *Error) {
	r, err := i.call.handles.record(p[0])
	if err != nil {
		return 0, err
	}
	i.scratch = append(i.scratch[:0], r.Collection()...)
	return i.fill(i.scratch, p[1], p[2])
}

func recordOriginal(i *instance, p []uint64) (int32, *Error) {
	r, err := i.call.handles.record(p[0])
	if err != nil {
		return 0, err
	}
	original, failure := r.Original()
	if failure != nil {
		return 0, i.explain("record_original", failure)
	}
	return i.give(original)
}

// give returns a new handle of r.
func (i *instance) give(r Record) (int32, *Error) {
	if r == nil {
		return 0, errMissing
	}
	return i.call.handles.open(handle{record: r}, i.extension.manager.limits.Handles)
}

func recordHide(i *instance, p []uint64) (int32, *Error) {
	r, name, err := i.field(p)
	if err != nil {
		return 0, err
	}
	if failure := r.Hide(name); failure != nil {
		return 0, i.explain("record_hide", failure)
	}
	return 0, nil
}

func recordShow(i *instance, p []uint64) (int32, *Error) {
	r, name, err := i.field(p)
	if err != nil {
		return 0, err
	}
	if failure := r.Show(name); failure != nil {
		return 0, i.explain("record_show", failure)
	}
	return 0, nil
}
