package rewrite

import "strings"

// A ValueType is the type of one parameter, result or local, as the binary format writes it.
type ValueType byte

// The types of the core specification.
const (
	I32       ValueType = 0x7f
	I64       ValueType = 0x7e
	F32       ValueType = 0x7d
	F64       ValueType = 0x7c
	V128      ValueType = 0x7b
	FuncRef   ValueType = 0x70
	ExternRef ValueType = 0x6f
)

// String is the type's name in the text format.
func (t ValueType) String() string {
	switch t {
	case I32:
		return "i32"
	case I64:
		return "i64"
	case F32:
		return "f32"
	case F64:
		return "f64"
	case V128:
		return "v128"
	case FuncRef:
		return "funcref"
	case ExternRef:
		return "externref"
	}
	return "unknown"
}

// A Signature is the type of a function. It is comparable; the zero value takes and returns nothing.
type Signature struct{ params, results string }

// Sig makes a signature, to compare others with.
func Sig(params, results []ValueType) Signature {
	return Signature{string(valueBytes(params)), string(valueBytes(results))}
}

func valueBytes(types []ValueType) []byte {
	b := make([]byte, len(types))
	for i, t := range types {
		b[i] = byte(t)
	}
	return b
}

// Params returns the types of the parameters.
func (s Signature) Params() []ValueType { return valueTypes(s.params) }

// Results returns the types of the results.
func (s Signature) Results() []ValueType { return valueTypes(s.results) }

func valueTypes(s string) []ValueType {
	types := make([]ValueType, len(s))
	for i := range types {
		types[i] = ValueType(s[i])
	}
	return types
}

// String writes the signature as extensions/abi.md does: (i32,i32)->i64.
func (s Signature) String() string {
	results := typeList(s.results)
	if len(s.results) != 1 {
		results = "(" + results + ")"
	}
	return "(" + typeList(s.params) + ")->" + results
}

func typeList(s string) string {
	names := make([]string, len(s))
	for i := range names {
		names[i] = ValueType(s[i]).String()
	}
	return strings.Join(names, ",")
}

func (r *reader) valueType() ValueType {
	switch t := ValueType(r.byte()); t {
	case I32, I64, F32, F64, V128, FuncRef, ExternRef:
		return t
	case 0x63, 0x64, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x71, 0x72, 0x73, 0x74:
		r.fail(unsupported("uses reference types beyond funcref and externref"))
	default:
		r.malformed("an unknown value type")
	}
	return 0
}

func (r *reader) refType() ValueType {
	t := r.valueType()
	if t != FuncRef && t != ExternRef {
		r.malformed("a reference type that is none")
	}
	return t
}

// signature reads one function type.
func (r *reader) signature() Signature {
	switch form := r.byte(); {
	case r.err != nil:
	case form == 0x5f || form == 0x5e || form == 0x50 || form == 0x4f || form == 0x4e:
		r.fail(unsupported("uses garbage-collected types"))
	case form != 0x60:
		r.malformed("a type that is no function type")
	}
	list := func() string {
		n := r.count(1)
		if n > maxValues {
			r.fail(unsupported("has a function with more than %d parameters or results", maxValues))
			return ""
		}
		b := make([]byte, 0, n)
		for range n {
			b = append(b, byte(r.valueType()))
		}
		return string(b)
	}
	return Signature{list(), list()}
}

func (s Signature) append(dst []byte) []byte {
	dst = append(dst, 0x60)
	dst = appendName(dst, s.params)
	return appendName(dst, s.results)
}
