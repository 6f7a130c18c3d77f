package abi

import "strings"

// Module is the import module of this version.
const Module = "troupe_1"

// Kind says what a parameter is, and how many values of WebAssembly it takes.
type Kind int

// The kinds of parameters. Pointers and lengths are i32 read as unsigned.
const (
	// Int is an i32 that the function's description explains.
	Int Kind = iota
	// Handle is an i32 that the host gave out.
	Handle
	// Text is pointer and length of UTF-8.
	Text
	// JSON is pointer and length of a JSON text, which SDKs build in memory of their own.
	JSON
	// Bytes is pointer and length of memory that the host fills whole.
	Bytes
	// Buffer is pointer and capacity of memory that the host fills if the value has room in it.
	Buffer
	// Out is a pointer to the 8 bytes of an f64.
	Out
	// Float is an f64.
	Float
)

// paired tells whether a parameter is a pointer with a second value behind it.
func (k Kind) paired() bool { return k == Text || k == JSON || k == Bytes || k == Buffer }

// Param is a parameter of a host function. Immutable.
type Param struct {
	Kind Kind
	// Name is its name, that of the pointer where there are two values; Size is the name of the second one.
	Name, Size string
}

// Function is a host function. Immutable.
type Function struct {
	// Section is the part of the documentation that it stands in: "general", "records", "data", "transactions", "request" or "refusals".
	Section string
	// Name is what guests import.
	Name   string
	Params []Param
	// Wide tells that the result is an i64, otherwise it is an i32 that is negative for an errno.
	Wide bool
	// About is the sentence of the documentation, in Markdown.
	About string
}

// Values are the types of the parameters as WebAssembly has them, one letter each: i for i32, d for f64.
func (f *Function) Values() string {
	var b strings.Builder
	for _, p := range f.Params {
		switch {
		case p.Kind == Float:
			b.WriteByte('d')
		case p.Kind.paired():
			b.WriteString("ii")
		default:
			b.WriteByte('i')
		}
	}
	return b.String()
}

func whole(name string) Param        { return Param{Kind: Int, Name: name} }
func handle(name string) Param       { return Param{Kind: Handle, Name: name} }
func text(name, size string) Param   { return Param{Kind: Text, Name: name, Size: size} }
func asJSON(name, size string) Param { return Param{Kind: JSON, Name: name, Size: size} }

// The parameters that many functions share.
var (
	record = handle("h")
	name   = text("name", "nlen")
	buffer = Param{Kind: Buffer, Name: "buf", Size: "cap"}
	as     = whole("as")
	coll   = text("coll", "clen")
	id     = text("id", "idlen")
	body   = asJSON("ptr", "len")
)
