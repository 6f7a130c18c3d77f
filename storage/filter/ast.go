package filter

// Expr is a parsed expression. It is immutable and safe for concurrent use.
type Expr struct {
	text  string
	items []item
	// requests are the identifiers that begin with "@request.", each once: what [Shape] looks at.
	requests []string
	// usesNow tells that the expression's value changes with time or chance.
	usesNow bool
	// named are the names of the parameters, each once.
	named []string
}

// String returns the expression as it was written.
func (e *Expr) String() string { return e.text }

// Requests lists the identifiers that begin with "@request.", each once, modifiers included: what the expression reads
// of a request. The caller does not change the list.
func (e *Expr) Requests() []string { return e.requests }

// item is one element of a group and the join that stands before it.
type item struct {
	or         bool
	comparison *comparison
	group      []item // nil for a comparison
}

// comparison is "left sign right".
type comparison struct {
	left, right operand
	op          operator
}

type operandKind int

const (
	operandIdentifier operandKind = iota
	operandText
	operandNumber
	operandFunction
	operandNamed
)

// operand is one side of a comparison, or an argument of a function.
type operand struct {
	kind   operandKind
	text   string // the identifier, the text, the function's or parameter's name, or the number as written
	number float64
	args   []operand
	ref    *reference // of an identifier
}

// operator is a sign without its question mark.
type operator struct {
	sign string // one of = != ~ !~ < <= > >=
	any  bool   // written with a question mark: one of many values is enough
}

var operators = map[string]operator{
	"=": {"=", false}, "!=": {"!=", false}, "~": {"~", false}, "!~": {"!~", false},
	"<": {"<", false}, "<=": {"<=", false}, ">": {">", false}, ">=": {">=", false},
	"?=": {"=", true}, "?!=": {"!=", true}, "?~": {"~", true}, "?!~": {"!~", true},
	"?<": {"<", true}, "?<=": {"<=", true}, "?>": {">", true}, "?>=": {">=", true},
}
